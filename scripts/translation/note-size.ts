/** What the editor needs for a sticky note's text, in pixels: measured generously, because fonts differ. */
export function neededHeight(content: string, width: number): number {
	const perLine = Math.floor((width - 32) / 6.7);
	const lines = content.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / perLine)), 0);
	return lines * 17 + 56;
}

/** The same as a multiple of the editor's grid. */
export function roomyHeight(content: string, width: number): number {
	return Math.ceil(neededHeight(content, width) / 16) * 16;
}
