import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../core/errors';
import { recoveryTargetSchema } from './target';

/** What is where in a recovery folder. `wal` lies beside `data`, because the server's restore_command names it so. */
export const places = (folder: string) => ({
	data: join(folder, 'data'),
	wal: join(folder, 'wal'),
	tablespaces: join(folder, 'tablespaces'),
	state: join(folder, 'recovery.json'),
	log: join(folder, 'server.log'),
});

/** `preparing` and `recovering` of a job that is gone: nothing in the folder can be used. */
export const RECOVERY_STATES = ['preparing', 'prepared', 'recovering', 'ready', 'stopped'] as const;

const lsn = z.string();
const moment = z.string();

/** How far a recovery came, as the recovered server says. */
export const reachedSchema = z.looseObject({
	/** Time of the newest transaction that is in it; null: none was replayed. */
	lastTransactionAt: moment.nullable(),
	lastLsn: lsn.nullable(),
	/** The timeline on which it goes on. */
	timeline: z.number().int(),
	/** The server's own words on where it stopped; null: at the end of the WAL. */
	stopped: z.string().nullable(),
});

/** `recovery.json` in the folder of a recovery: what the later steps (compare, replace, stop) need to know. Holds no secret. */
export const recoveryRecordSchema = z.looseObject({
	formatVersion: z.literal(1),
	state: z.enum(RECOVERY_STATES),
	backup: z.string(),
	source: z.string(),
	systemIdentifier: z.string(),
	serverMajor: z.number().int(),
	target: recoveryTargetSchema,
	startedAt: moment,
	/** The recovered server, for connections without a password from this machine; null: it was not started here. */
	server: z.looseObject({ socketFolder: z.string(), port: z.number().int(), user: z.string() }).nullable(),
	reached: reachedSchema.nullable(),
});

export type Reached = z.infer<typeof reachedSchema>;
export type RecoveryRecord = z.infer<typeof recoveryRecordSchema>;

export async function writeRecoveryRecord(folder: string, record: RecoveryRecord): Promise<void> {
	const { state } = places(folder);
	await writeFile(`${state}.new`, `${JSON.stringify(record, null, '\t')}\n`, { mode: 0o600 });
	await rename(`${state}.new`, state);
}

/** @throws BackupError `FOLDER_NOT_FOUND` for what is no recovery folder */
export async function readRecoveryRecord(folder: string): Promise<RecoveryRecord> {
	const refuse = (why: string, cause?: unknown) =>
		new BackupError('FOLDER_NOT_FOUND', `${folder} is not the folder of a recovery: ${why}.`, 'Give the folder that "Postgres Point in Time" was told, as the machine that ran it sees it.', { cause });
	let text: string;
	try {
		text = await readFile(places(folder).state, 'utf8');
	} catch (error) {
		throw refuse('it holds no recovery.json that can be read', error);
	}
	try {
		return recoveryRecordSchema.parse(JSON.parse(text));
	} catch (error) {
		throw refuse('its recovery.json is damaged or of a newer version', error);
	}
}
