import { sizeWords } from '../lib/core/words';
import type { ProgressEvent, ProgressReporter } from '../lib/core/progress';
import { printable } from './table';

const WIDTH = 24;

/** One line on a terminal that is drawn over, or nothing where the output is not a terminal. */
export function progressBar(stream: NodeJS.WriteStream): { report: ProgressReporter; clear(): void } {
	if (!stream.isTTY) return { report: () => undefined, clear: () => undefined };
	return {
		report: (event) => stream.write(`\r\u001b[2K${describe(event).slice(0, (stream.columns || 80) - 1)}`),
		clear: () => stream.write('\r\u001b[2K'),
	};
}

function describe(event: ProgressEvent): string {
	const amount = (value: number) => (event.unit === 'bytes' ? sizeWords(value) : String(value));
	if (event.done === undefined) return printable(event.step);
	if (event.total === undefined || event.total === 0) return `${printable(event.step)}  ${amount(event.done)}`;
	const share = Math.min(1, event.done / event.total);
	const filled = Math.round(share * WIDTH);
	const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
	return `[${bar}] ${String(Math.round(share * 100)).padStart(3)} %  ${printable(event.step)}  ${amount(event.done)} of ${amount(event.total)}`;
}
