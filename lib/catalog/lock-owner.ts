import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

/** Who holds a lock, precise enough to tell on the same machine whether that process still exists. */
export const lockOwnerSchema = z.looseObject({
	host: z.string(),
	pid: z.number().int(),
	/** Changes with every start of the machine; empty where the system does not tell. */
	bootId: z.string(),
	/** Containers on one machine have process ids of their own; empty where the system does not tell. */
	pidNamespace: z.string(),
	/** When the process was started, in ticks since boot: a process id may be given away again. */
	processStart: z.string(),
});
export type LockOwner = z.infer<typeof lockOwnerSchema>;

let own: LockOwner | undefined;

/** The process that calls. */
export function ownIdentity(): LockOwner {
	own ??= {
		host: hostname(),
		pid: process.pid,
		bootId: readOr('', () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
		pidNamespace: readOr('', () => readlinkSync('/proc/self/ns/pid')),
		processStart: statFields(process.pid)?.start ?? '',
	};
	return own;
}

/** The process that started the one that calls: n8n, or a command line. */
export function parentIdentity(): LockOwner {
	return { ...ownIdentity(), pid: process.ppid, processStart: statFields(process.ppid)?.start ?? '' };
}

/** Whether the owner's process is surely gone. `false` also means "cannot tell from here". */
export function isSurelyDead(owner: LockOwner, me: LockOwner = ownIdentity()): boolean {
	if (owner.bootId === '' || owner.pidNamespace === '') return false;
	if (owner.bootId !== me.bootId || owner.pidNamespace !== me.pidNamespace) return false;
	try {
		process.kill(owner.pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'ESRCH';
	}
	const fields = statFields(owner.pid);
	// Killed, and nobody has asked for its exit code yet: a container whose first process never does keeps it like that for good.
	if (fields?.state === 'Z' || fields?.state === 'X') return true;
	return fields !== undefined && owner.processStart !== '' && fields.start !== owner.processStart;
}

/** Fields 3 and 22 of /proc/<pid>/stat (proc(5)); the fields are counted after the name, which may hold spaces. */
function statFields(pid: number): { readonly state: string; readonly start: string } | undefined {
	const stat = readOr('', () => readFileSync(`/proc/${pid}/stat`, 'utf8'));
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	const [state, start] = [fields[0], fields[19]];
	return state === undefined || start === undefined ? undefined : { state, start };
}

/** `/proc` does not exist everywhere; without it only the heartbeat tells. */
function readOr(fallback: string, read: () => string): string {
	try {
		return read();
	} catch {
		return fallback;
	}
}
