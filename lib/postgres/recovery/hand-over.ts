import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../../core/abortable';
import type { JobContext } from '../../core/context';
import { BackupError, toBackupError } from '../../core/errors';
import type { StepRecorder } from '../../core/steps';
import { withClient } from '../connect';
import { baseDetails } from '../wal/covered-window';
import { checkPages } from './check-pages';
import type { ChosenBase } from './choose-base';
import type { RecoverOptions, RecoveryDestination } from './options';
import { APPLICATION_NAME } from './own-server';
import { type Proven, proveRecovered } from './prove-recovered';
import { type RecoveryRecord, writeRecoveryRecord } from './recovery-folder';
import { LogReader, recoveryFailure } from './server-log';

export interface HandOverRequest extends Omit<RecoverOptions, 'destination'>, ChosenBase {
	readonly destination: Extract<RecoveryDestination, { readonly mode: 'handOver' }>;
	readonly major: number;
	readonly record: RecoveryRecord;
	/** The log ends before the target, and nothing was committed in between. */
	readonly toEndOfWal: boolean;
}

/** Written last by us: the container starts what lies beside it. One line each, `name=value`, so that a shell script reads it. */
export const REQUEST_FILE = 'request';
/** Written by the container: `taken`, `running`, or `failed` and why. */
export const STATUS_FILE = 'status';
/** Written by us: the container stops the server, and with `remove` in it deletes what belongs to the server. */
export const STOP_FILE = 'stop';

const POLL_MS = 500;
const CONTAINER_STOP_MS = 90_000;

/**
 * Lets the container `postgres-recovery` (docker/postgres-recovery.sh), which sees the same folder, start the server, and waits for it over the network.
 * @throws BackupError `TIMED_OUT` when nobody takes the request; what the server's log says (`recoveryFailure`), or `SERVER_ERROR` with the container's words; `TARGET_MISSED`
 */
export async function handOver(request: HandOverRequest, context: JobContext, steps: StepRecorder): Promise<Proven> {
	const { folder, destination, record } = request;
	await writeRecoveryRecord(folder, { ...record, state: 'recovering' });
	await writeRequest(folder, request.major);
	try {
		const stopped = await steps.run('Wait for the recovery container', async () => await untilRecovered(request, context), () => `It recovered, and answers at ${destination.connection.host}:${destination.connection.port}.`);
		const { systemIdentifier } = baseDetails(request.found.manifest);
		const proven = await steps.run(
			'Compare with the target',
			async () => await proveRecovered({ ...request, connection: destination.connection, systemIdentifier, stopped }, context),
			({ reached }) => `No longer in recovery; the newest transaction is of ${reached.lastTransactionAt ?? 'before the base backup'}, now on timeline ${reached.timeline}.`,
		);
		if (request.checkPages) await steps.run('Read all pages', async () => await checkPages(destination.connection, proven.databases, request.major, context), ({ tables, indexes }) => `${tables} tables and ${indexes} indexes are sound.`);
		await writeRecoveryRecord(folder, { ...record, state: 'ready', reached: proven.reached });
		return proven;
	} catch (error) {
		await stopContainer(folder, true, AbortSignal.timeout(2 * CONTAINER_STOP_MS));
		throw error;
	}
}

/** The first word that the container has written; empty where none has taken the request. */
export async function containerStatus(folder: string): Promise<string> {
	const text = await readFile(join(folder, STATUS_FILE), 'utf8').catch(() => '');
	return text.trim().split(' ')[0] ?? '';
}

/**
 * Asks the container to stop the server of a folder, and to delete what belongs to it, and waits for that. Nothing happens where no container took the request.
 * @returns whether a server ran
 * @throws BackupError `TIMED_OUT`
 */
export async function stopContainer(folder: string, remove: boolean, signal: AbortSignal): Promise<boolean> {
	const before = await containerStatus(folder);
	if (before === '' || before === 'removed') return false;
	const running = before === 'taken' || before === 'running';
	if (!running && !remove) return false;
	await writeFile(join(folder, STOP_FILE), remove ? 'remove\n' : '');
	const done = remove ? ['removed'] : ['stopped', 'failed'];
	const deadline = performance.now() + CONTAINER_STOP_MS;
	while (!done.includes(await containerStatus(folder))) {
		if (performance.now() > deadline) throw new BackupError('TIMED_OUT', `The recovery container did not stop the server of ${folder}.`, 'See whether the service "postgres-recovery" still runs; stop it by hand otherwise.');
		await pause(POLL_MS, signal);
	}
	return running;
}

async function writeRequest(folder: string, major: number): Promise<void> {
	const path = join(folder, REQUEST_FILE);
	await writeFile(`${path}.new`, `version=1\nmajor=${major}\n`);
	await rename(`${path}.new`, path);
}

/** @returns the server's own words on where it stopped; undefined where its log cannot be read from here */
async function untilRecovered({ folder, destination }: HandOverRequest, context: JobContext): Promise<string | null | undefined> {
	const deadline = performance.now() + destination.waitSeconds * 1000;
	let last = 'nobody took the request';
	for (;;) {
		const status = (await readFile(join(folder, STATUS_FILE), 'utf8').catch(() => '')).trim();
		const [word, ...rest] = status.split(' ');
		if (word === 'failed') throw await containerFailure(folder, rest.join(' '));
		if (word !== undefined && word !== '') last = `the container says: ${status.slice(0, 200)}`;
		context.progress({ step: `Waiting for the recovery container (${last})` });
		if (word === 'running') {
			const up = await answers(destination.connection, context);
			if (up === true) return await stoppedWords(folder);
			last = up;
		}
		if (performance.now() > deadline) {
			throw new BackupError('TIMED_OUT', `The recovery container was not done after ${destination.waitSeconds} seconds: ${last}.`, `See that the service "postgres-recovery" runs, that it sees ${folder} under the same name, and that the credential points to it.`);
		}
		await pause(POLL_MS, context.signal);
	}
}

/** What the server's log says, where it can be read and the server had a word to say. */
async function containerFailure(folder: string, why: string): Promise<BackupError> {
	const log = await new LogReader(join(folder, 'server.log')).read().catch(() => undefined);
	if (log && log.tail.length > 0) return recoveryFailure(log, `the recovery container says: ${why}`);
	return new BackupError('SERVER_ERROR', `The recovery container could not recover: ${why}.`, "See server.log in the recovery folder and the container's log.");
}

async function answers(connection: HandOverRequest['destination']['connection'], { signal }: JobContext): Promise<true | string> {
	try {
		return await withClient(connection, { signal, applicationName: APPLICATION_NAME, doing: 'waiting for the recovery' }, async () => true as const);
	} catch (error) {
		const problem = toBackupError(error);
		if (problem.code === 'SERVER_UNREACHABLE') return problem.message;
		throw problem;
	}
}

async function stoppedWords(folder: string): Promise<string | null | undefined> {
	const handle = await open(join(folder, 'server.log'), 'r').catch(() => undefined);
	if (handle === undefined) return undefined;
	try {
		for await (const line of handle.readLines()) {
			const [, words] = /LOG:\s+(recovery stopping .*)/.exec(line) ?? [];
			if (words !== undefined) return words;
		}
		return null;
	} finally {
		await handle.close();
	}
}
