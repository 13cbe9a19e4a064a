import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunningProcess {
	readonly pid: number;
	readonly parent: number;
	readonly command: readonly string[];
	readonly environment: readonly string[];
}

/** The processes of this machine, from /proc; those that end while being read are left out. */
export function runningProcesses(): RunningProcess[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.flatMap((name) => {
			try {
				const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
				// The command's name stands in brackets and may hold anything; state and parent follow the last bracket.
				const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
				if (state === 'Z') return [];
				return [{ pid: Number(name), parent: Number(parent), command: parts(`/proc/${name}/cmdline`), environment: parts(`/proc/${name}/environ`) }];
			} catch (error) {
				const code = (error as NodeJS.ErrnoException).code ?? '';
				if (['ENOENT', 'ESRCH', 'EACCES'].includes(code)) return [];
				throw error;
			}
		});
}

/** The jobs' own processes that a process (n8n) has started. */
export function jobProcesses(parent: number): RunningProcess[] {
	return runningProcesses().filter((each) => each.parent === parent && each.command.some((part) => part.endsWith('/jobs/worker.js')));
}

/** PostgreSQL's client programs that work on the server at `port`, whoever started them. */
export function clientProcesses(port: number): RunningProcess[] {
	return runningProcesses().filter(
		(each) =>
			/\/pg_(dump|dumpall|restore)$/.test(each.command[0] ?? '') &&
			(each.environment.includes(`PGPORT=${port}`) || each.command.join(' ').includes(String(port))),
	);
}

/** Waits for a dump's pg_dump and stops it in mid-air, so that what a test does next surely happens half way. */
export async function frozenPgDump(port: number): Promise<number> {
	return await frozenTool('pg_dump', port);
}

/** The same for any of PostgreSQL's client programs. */
export async function frozenTool(name: string, port: number): Promise<number> {
	const deadline = performance.now() + 20_000;
	while (performance.now() < deadline) {
		const found = clientProcesses(port).find((each) => each.command[0]?.endsWith(`/${name}`) && !each.command.includes('--version'));
		if (found !== undefined) {
			process.kill(found.pid, 'SIGSTOP');
			return found.pid;
		}
		await sleep(5);
	}
	throw new Error(`No ${name} was seen.`);
}

function parts(file: string): string[] {
	return readFileSync(file, 'utf8').split('\0').filter((part) => part !== '');
}
