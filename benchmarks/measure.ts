import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** One run: wall seconds and, where they were watched, bytes written, peak memory in MB and processor time (user and system) in seconds. */
export interface Run {
	readonly seconds: number;
	readonly bytes?: number;
	readonly peakMegabytes?: number;
	readonly processorSeconds?: number;
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

/** Runs a command line of a peer under a shell and measures all of its processes; it must succeed. */
export async function runShell(command: string, environment: NodeJS.ProcessEnv = {}): Promise<Run> {
	const child = spawn('bash', ['-o', 'pipefail', '-c', `TIMEFORMAT='%R %U %S'; time { ${command}; } 2>&3`], {
		// A group of its own, so that all that it starts is found.
		detached: true,
		env: { ...process.env, ...environment },
		// Its own stderr takes the times; that of the command goes to ours.
		stdio: ['ignore', 'ignore', 'pipe', 2],
	});
	const watch = watchProcess(child.pid ?? 0);
	let times = '';
	child.stderr?.on('data', (chunk: Buffer) => (times += chunk.toString()));
	const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
	const { groupMegabytes } = watch.stop();
	if (code !== 0) throw new Error(`"${command}" ended with exit code ${code}`);
	const [seconds = Number.NaN, user = Number.NaN, system = Number.NaN] = (times.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
	return { seconds, processorSeconds: user + system, peakMegabytes: groupMegabytes };
}

export interface Watched {
	/** Largest resident size of the process itself. */
	readonly megabytes: number;
	/** The same of its whole process group. */
	readonly groupMegabytes: number;
	/** User and system time of the process, and of its children that have ended. */
	readonly processorSeconds: number;
}

/** Looks at a process every 20 ms (at its group's memory every 60 ms) until told to stop. */
export function watchProcess(pid: number): { stop(): Watched } {
	let megabytes = 0;
	let groupMegabytes = 0;
	let processor = 0;
	let looks = 0;
	const timer = setInterval(() => {
		processor = Math.max(processor, processorSeconds(pid));
		if (looks++ % 3 !== 0) return;
		megabytes = Math.max(megabytes, residentMegabytes(pid));
		groupMegabytes = Math.max(groupMegabytes, membersOfGroup(pid).reduce((sum, member) => sum + residentMegabytes(member), 0));
	}, 20);
	return {
		stop: () => {
			clearInterval(timer);
			return { megabytes, groupMegabytes, processorSeconds: processor };
		},
	};
}

/** The clock of /proc ticks a hundred times a second; 0 when the process is gone. */
function processorSeconds(pid: number): number {
	const fields = readProc(`/proc/${pid}/stat`).split(') ')[1]?.split(' ').slice(11, 15) ?? [];
	return fields.reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** 0 when the process is gone. */
export function residentMegabytes(pid: number): number {
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
