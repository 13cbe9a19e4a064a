import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from '../usage-error';
import type { Stage } from './stages';

const stageRecordSchema = z.object({
	name: z.string(),
	state: z.enum(['waiting', 'started', 'done']),
	startedAt: z.string().optional(),
	finishedAt: z.string().optional(),
	detail: z.string().default(''),
});

/** What is done of a restore of everything, in a file beside whoever does it: the store may be one that can only be read. */
const recordSchema = z.object({
	formatVersion: z.literal(1),
	recoveryPoint: z.string(),
	/** Over the plan, so that nobody goes on with other places by mistake. */
	plan: z.string(),
	startedAt: z.string(),
	finishedAt: z.string().nullable(),
	stages: z.array(stageRecordSchema),
});
export type RestoreRecord = z.infer<typeof recordSchema>;

export function newRecord(recoveryPoint: string, stages: readonly Stage[], places: unknown, now: Date): RestoreRecord {
	return { formatVersion: 1, recoveryPoint, plan: planDigest(stages, places), startedAt: now.toISOString(), finishedAt: null, stages: stages.map(({ name }) => ({ name, state: 'waiting', detail: '' })) };
}

/** `places`: the servers, without secrets. */
function planDigest(stages: readonly Stage[], places: unknown): string {
	return createHash('sha256').update(JSON.stringify([stages, places])).digest('hex');
}

/** The record of an earlier attempt at this very restore; `undefined` where there is none. */
export async function readRecord(path: string, fresh: RestoreRecord): Promise<RestoreRecord | undefined> {
	let text: string;
	try {
		text = await readFile(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw new UsageError(`The record ${path} cannot be read: ${(error as Error).message}`);
	}
	const parsed = recordSchema.safeParse(parse(text));
	if (!parsed.success) throw new UsageError(`${path} is no record of a restore. Name another file with --record.`);
	const { recoveryPoint, plan } = parsed.data;
	if (recoveryPoint !== fresh.recoveryPoint || plan !== fresh.plan) {
		throw new UsageError(`${path} is the record of a restore of ${recoveryPoint} with other places. Go on with those, or name another file with --record to begin anew.`);
	}
	return parsed.data;
}

/** Written beside and renamed: a crash leaves the one from before. */
export async function writeRecord(path: string, record: RestoreRecord): Promise<void> {
	await writeFile(`${path}.new`, `${JSON.stringify(record, null, '\t')}\n`, { mode: 0o600 });
	await rename(`${path}.new`, path);
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
