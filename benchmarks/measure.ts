import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** One run: wall seconds, bytes written, and the peak memory in MB where it was watched. */
export interface Run {
	readonly seconds: number;
	readonly bytes?: number;
	readonly peakMegabytes?: number;
}

export interface Contender {
	readonly name: string;
	/** Does the work once, leaving nothing that helps the next run. */
	run(): Promise<Run>;
}

export interface Measured {
	readonly name: string;
	readonly runs: readonly Run[];
}

/** Runs all contenders in turn (A B C A B C …), so that a drift of the machine's speed hits all of them alike; the first round only warms up. */
export async function sideBySide(contenders: readonly Contender[], rounds: number): Promise<Measured[]> {
	const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]));
	for (let round = 0; round <= rounds; round++) {
		for (const contender of contenders) {
			const run = await contender.run();
			process.stderr.write(`  ${round === 0 ? 'warm-up' : `round ${round}`}  ${contender.name}: ${run.seconds.toFixed(2)} s\n`);
			if (round > 0) runs.get(contender.name)?.push(run);
		}
	}
	return [...runs].map(([name, list]) => ({ name, runs: list }));
}

export interface Spread {
	readonly min: number;
	readonly median: number;
	readonly max: number;
}

export function spread(values: readonly number[]): Spread {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (index: number) => sorted[index] ?? Number.NaN;
	const middle = sorted.length >> 1;
	const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
	return { min: at(0), median, max: at(sorted.length - 1) };
}

/** The ratio of `of` to `to`, round by round. */
export function ratio(of: Measured, to: Measured): Spread {
	return spread(of.runs.map((run, index) => run.seconds / (to.runs[index]?.seconds ?? Number.NaN)));
}

/** Runs a command line of a peer under a shell and times it; it must succeed. */
export async function timeShell(command: string, environment: NodeJS.ProcessEnv): Promise<number> {
	const start = performance.now();
	await new Promise<void>((resolve, reject) => {
		const child = spawn('bash', ['-o', 'pipefail', '-c', command], { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'inherit'] });
		child.once('error', reject);
		child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`"${command}" ended with exit code ${code}`))));
	});
	return (performance.now() - start) / 1000;
}

/** Watches the largest resident size of a process, and of its whole group, every 50 ms. */
export function watchMemory(pid: number): { stop(): { process: number; group: number } } {
	let ofProcess = 0;
	let ofGroup = 0;
	const timer = setInterval(() => {
		const own = residentMegabytes(pid);
		ofProcess = Math.max(ofProcess, own);
		ofGroup = Math.max(ofGroup, membersOfGroup(pid).reduce((sum, member) => sum + residentMegabytes(member), 0));
	}, 50);
	return {
		stop: () => {
			clearInterval(timer);
			return { process: ofProcess, group: ofGroup };
		},
	};
}

/** User and system time of a process so far; 0 when it is gone. The clock of /proc ticks a hundred times a second. */
export function processorSeconds(pid: number): number {
	const fields = readProc(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
	return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

function residentMegabytes(pid: number): number {
	const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readProc(`/proc/${pid}/status`))?.[1];
	return kilobytes === undefined ? 0 : Number(kilobytes) / 1000;
}

function membersOfGroup(group: number): number[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.filter((pid) => Number(readProc(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[2]) === group);
}

/** A process may end between two looks: then there is nothing to read. */
function readProc(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
		throw error;
	}
}
