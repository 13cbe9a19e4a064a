import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type pg from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import { withClient } from '../connect';
import { sqlState } from '../server-error';
import { APPLICATION_NAME } from './diff-rows';
import type { ApplyPatchOptions, ApplyPatchResult } from './options';
import { BEGIN } from './write-patch';

const ROW = /^(INSERT INTO|UPDATE|DELETE FROM) /;
/** The transaction is ours. */
const TRANSACTION = /^(BEGIN ISOLATION LEVEL REPEATABLE READ|COMMIT);$/;
const OTHER = /^(SET LOCAL |SET CONSTRAINTS ALL |ALTER TABLE .* (DISABLE TRIGGER|ENABLE (ALWAYS )?TRIGGER|ALTER CONSTRAINT) )/;
const LONGEST_SHOWN = 300;
const CHANGED_MEANWHILE = '40001';
/** What to do, by the server's SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const HINTS: Readonly<Record<string, string>> = {
	[CHANGED_MEANWHILE]: 'Somebody changed these rows while the patch was applied: make it again.',
	'40P01': 'Somebody changed these rows while the patch was applied: apply it again.',
	'55P03': 'Somebody holds a lock on the table: wait until they are done, or end their session, and apply it again.',
	'23503': 'Rows refer to this one, or it refers to one that is gone, since the patch was written. Make it again: it leaves such rows as they are, and lists them.',
	'23505': 'A value that must be unique was given to another row since the patch was written, or belongs to a rule for a part of the rows, which Row Diff does not look at. Make the patch again; where it is refused again, leave this line out, or replace the whole database by the recovered one.',
	'23514': 'Some of its values were changed again since, and with those that come back the row breaks a rule of the table. Leave this line out and mend the row by hand.',
	'23P01': 'The row would collide with one that came later, by a rule that Row Diff does not look at. Leave this line out and mend the row by hand.',
	'42501': 'Switching triggers off and deferring foreign keys takes the owner of the tables: apply the patch as that role, or as a superuser.',
};
const OTHER_HINT = 'Where rows depend on each other in a way that a patch cannot respect, leave this line out, or replace the whole database by the recovered one.';
/** The driver sends one statement only this way. */
const ONE_STATEMENT = { queryMode: 'extended' } as const;

/**
 * Applies a patch of rows in one transaction. Each of its statements must change exactly one row; otherwise nothing is changed.
 * @throws BackupError `NOT_CONFIRMED`, `PROOF_MISMATCH` where the file is another one or the rows have changed since, `RESTORE_FAILED` with the server's words
 */
export async function applyPatch(options: ApplyPatchOptions, context: JobContext): Promise<ApplyPatchResult> {
	const { database, connection, dryRun, confirmation } = options;
	if (!dryRun && confirmation !== database) {
		throw new BackupError('NOT_CONFIRMED', confirmation === '' ? 'It was not confirmed.' : `The confirmation ${JSON.stringify(confirmation)} is not the name of the database.`, `Type the name of the database, ${JSON.stringify(database)}, as the confirmation.`);
	}
	const sha256 = await digestOf(options.patchFile);
	if (options.sha256 !== '' && sha256 !== options.sha256.toLowerCase()) {
		throw new BackupError('PROOF_MISMATCH', `${options.patchFile} is not the patch that was reviewed: its SHA-256 is ${sha256}.`, 'Make the patch again and review it, or give the digest of the file that you have reviewed.');
	}
	const counts = await withClient(connection, { database, signal: context.signal, applicationName: APPLICATION_NAME, doing: 'applying the patch' }, async (client) => {
		await client.query(`SET lock_timeout = ${Math.round(options.lockWaitSeconds * 1000)}`);
		await client.query(BEGIN);
		try {
			const done = await run(client, options.patchFile, sha256, context);
			await client.query(dryRun ? 'ROLLBACK' : 'COMMIT');
			return done;
		} catch (error) {
			// The session may be gone, and then so is what it did.
			await client.query('ROLLBACK').catch(() => undefined);
			throw error;
		}
	});
	const sentence = dryRun ? `All ${counts.rows} rows would be brought back; nothing was changed.` : `${counts.rows} rows were brought back.`;
	return { dryRun, database, sha256, ...counts, sentence };
}

async function run(client: pg.Client, file: string, sha256: string, context: JobContext): Promise<{ statements: number; rows: number }> {
	const hash = createHash('sha256');
	let [number, statements, rows] = [0, 0, 0];
	for await (const line of linesOf(file, hash, context.signal)) {
		number += 1;
		if (line === '' || line.startsWith('--') || TRANSACTION.test(line)) continue;
		throwIfAborted(context.signal);
		const isRow = ROW.test(line);
		if (!isRow && !OTHER.test(line)) throw new BackupError('INVALID_INPUT', `Line ${number} of the patch is no statement that a patch holds: ${shown(line)}`, 'Use the patch as it was written; leave out whole lines where you do not want them.');
		const changed = await statement(client, line, number);
		statements += 1;
		if (!isRow) continue;
		if (changed !== 1) throw new BackupError('PROOF_MISMATCH', `Line ${number} of the patch changes ${changed} rows instead of one: ${shown(line)}`, 'The row has changed since the patch was written, or others refer to it since. Nothing was changed. Make the patch again: it leaves such rows as they are, and lists them.');
		rows += 1;
		context.progress({ step: 'Bringing rows back', done: rows, unit: 'rows' });
	}
	if (hash.digest('hex') !== sha256) throw new BackupError('PROOF_MISMATCH', `${file} was changed while it was applied.`, 'Nothing was changed. Make the patch again.');
	return { statements, rows };
}

async function statement(client: pg.Client, text: string, number: number): Promise<number> {
	try {
		const { rowCount } = await client.query({ text, ...ONE_STATEMENT });
		return rowCount ?? 0;
	} catch (error) {
		const state = sqlState(error);
		if (state === undefined) throw error;
		throw new BackupError(state === CHANGED_MEANWHILE ? 'PROOF_MISMATCH' : 'RESTORE_FAILED', `The server refused line ${number} of the patch: ${(error as Error).message} (SQLSTATE ${state}). ${shown(text)}`, `Nothing was changed. ${HINTS[state] ?? OTHER_HINT}`, { cause: error });
	}
}

async function digestOf(file: string): Promise<string> {
	const hash = createHash('sha256');
	try {
		for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
	} catch (error) {
		throw new BackupError('FILES_UNREADABLE', `The patch ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, 'Check its path, and that the job may read it.', { cause: error });
	}
	return hash.digest('hex');
}

/** Lines end at line feeds only: a value may hold other characters that some call a line break. */
async function* linesOf(file: string, hash: { update(chunk: Buffer): unknown }, signal: AbortSignal): AsyncGenerator<string, void, void> {
	let rest = Buffer.alloc(0);
	for await (const piece of createReadStream(file, { signal })) {
		const chunk = piece as Buffer;
		hash.update(chunk);
		let from = 0;
		for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
			yield Buffer.concat([rest, chunk.subarray(from, end)]).toString('utf8').trimEnd();
			rest = Buffer.alloc(0);
			from = end + 1;
		}
		rest = Buffer.concat([rest, chunk.subarray(from)]);
	}
	if (rest.length > 0) yield rest.toString('utf8').trimEnd();
}

/** Where it is, not what it holds: values are people's data. */
function shown(line: string): string {
	return line.replaceAll(/E?'(?:[^']|'')*'/g, "'…'").slice(0, LONGEST_SHOWN);
}
