import { cpus, totalmem } from 'node:os';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Measured, ratio, type Spread, spread } from './measure';

export interface Section {
	readonly title: string;
	readonly text: string;
	readonly measured: readonly Measured[];
	/** The contender to which the others are compared. */
	readonly baseline: string;
}

/** Writes a section as Markdown under `benchmarks/results/` and prints it. */
export function writeReport(file: string, sections: readonly Section[], notes: readonly string[] = []): void {
	const machine = `${cpus().length} cores, ${Math.round(totalmem() / 1e9)} GB of memory, Node ${process.version}`;
	const body = [`Measured on ${machine}. Wall time; min, median and max over the rounds; ratios are taken round by round; processor time is the median. Peak memory of ours is the process of the job, of others all their processes together.`, ...sections.map(renderSection), ...notes];
	const folder = join(__dirname, 'results');
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, file), `${body.join('\n\n')}\n`);
	process.stdout.write(`${body.join('\n\n')}\n`);
}

function renderSection({ title, text, measured, baseline }: Section): string {
	const base = measured.find(({ name }) => name === baseline);
	if (base === undefined) throw new Error(`There is no contender "${baseline}".`);
	const rows = measured.map((one) => {
		const bytes = one.runs.at(-1)?.bytes;
		const processor = one.runs.flatMap((run) => run.processorSeconds ?? []);
		const peaks = one.runs.flatMap((run) => run.peakMegabytes ?? []);
		return `| ${cell(one.name)} | ${show(spread(one.runs.map((run) => run.seconds)), 's')} | ${show(ratio(one, base), 'x')} | ${processor.length === 0 ? '' : `${spread(processor).median.toFixed(1)} s`} | ${bytes === undefined ? '' : `${(bytes / 1e6).toFixed(0)} MB`} | ${peaks.length === 0 ? '' : `${Math.max(...peaks).toFixed(0)} MB`} |`;
	});
	return `## ${title}\n\n${text}\n\n| what | wall (min / median / max) | to "${cell(baseline)}" | processor time | size | peak memory |\n| --- | --- | --- | --- | --- | --- |\n${rows.join('\n')}`;
}

function show({ min, median, max }: Spread, unit: string): string {
	return `${min.toFixed(2)} / **${median.toFixed(2)}** / ${max.toFixed(2)} ${unit}`;
}

/** A bar would end the cell of a Markdown table. */
function cell(text: string): string {
	return text.replaceAll('|', '\\|');
}
