/** One line of the closing table. */
export interface DemoStep {
	readonly step: string;
	readonly seconds: number;
	readonly size: string;
	readonly result: string;
}

/** The table that a person reads at the end. */
export function formatTable(steps: readonly DemoStep[]): string {
	const rows = [['Step', 'Time', 'Size', 'Result'], ...steps.map((each) => [each.step, `${each.seconds.toFixed(1)} s`, each.size, each.result])];
	const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
	const lines = rows.map((row) =>
		row.map((cell, column) => (column === 1 || column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd(),
	);
	lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
	return lines.join('\n');
}

export function megabytes(bytes: number): string {
	return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function count(number: number): string {
	return number.toLocaleString('en-US');
}
