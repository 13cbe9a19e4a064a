/** Lines a table up in columns for a terminal; every cell is shown as plain text, control characters replaced. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
	const cells = [header, ...rows].map((row) => row.map(printable));
	const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
	const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd();
	const [head = [], ...body] = cells;
	return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}

/** Replaces control characters, so that a hostile name cannot steer the terminal. */
export function printable(value: string): string {
	return value.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\u00b7');
}
