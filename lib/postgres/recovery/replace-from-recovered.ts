import type { BackupChoice } from '../../catalog/find-backup';
import type { Manifest } from '../../catalog/manifest';
import { summarize } from '../../catalog/summarize';
import type { BackupSummary } from '../../catalog/summary';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { type RestoreCheck, type CheckResult, StepRecorder, type StepResult } from '../../core/steps';
import { throwIfFailed } from '../../core/throw-if-failed';
import type { Store } from '../../storage/store';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import { dumpDatabase } from '../dump-database';
import type { TableComparison } from '../restore/compare-proof';
import { restoreDatabase } from '../restore/restore-database';
import { APPLICATION_NAME } from './own-server';

export interface ReplaceOptions {
	readonly store: Store;
	/** The live server. */
	readonly connection: PostgresConnection;
	/** The live database; it may be gone altogether. */
	readonly database: string;
	/** The recovered server. */
	readonly recovered: PostgresConnection;
	readonly recoveredDatabase: string;
	/** A globals backup from which roles that the live server lacks are created; null: they fail the job. */
	readonly globals: BackupChoice | null;
	readonly parallelJobs: number;
	readonly compressionLevel: number;
	/** The name of the live database, as typed by a person. */
	readonly confirmation: string;
	readonly dryRun: boolean;
	readonly allowN8nDatabase: boolean;
	readonly lockWaitSeconds: number;
}

export interface ReplaceResult {
	readonly dryRun: boolean;
	readonly database: string;
	/** The live database as it was just before; null: there was none, or it took no connections. */
	readonly safetyBackup: BackupSummary | null;
	/** The recovered database, as a dump of kind `safety`: it comes back only when named. */
	readonly recoveredBackup: BackupSummary | null;
	/** The one that was live, kept under this name. */
	readonly previousDatabase: string | null;
	readonly outageMilliseconds: number | null;
	readonly checks: CheckResult[];
	readonly plan: string[];
	readonly steps: StepResult[];
	readonly comparison: TableComparison[];
	readonly warnings: string[];
}

interface FoundServer {
	/** What tells a running server from its copies: the identifier is the same, its start is not. */
	readonly identity: string;
	readonly recovering: boolean;
	readonly databases: readonly { readonly name: string; readonly open: boolean }[];
}

/**
 * Puts a database of a recovered server in the place of the live one: a safety dump of the live one first, then a dump of the recovered one, which is restored
 * beside the live one, proven and swapped in. The one that was live is kept.
 * @throws BackupError; until the swap itself the live database is only read
 */
export async function replaceFromRecovered(options: ReplaceOptions, context: JobContext): Promise<ReplaceResult> {
	const steps = new StepRecorder(context.progress);
	const { store, database, recoveredDatabase, parallelJobs, lockWaitSeconds } = options;
	const [live, recovered] = await steps.run(
		'Look at both servers',
		async () => [await lookAt(options.connection, 'looking at the live server', context), await lookAt(options.recovered, 'looking at the recovered server', context)] as const,
		() => 'Both answer.',
	);
	const current = live.databases.find(({ name }) => name === database);
	const exists = current !== undefined;
	// What takes no connections cannot be dumped; the swap keeps it all the same.
	const dumped = current?.open === true;
	const checks = checkReplace(options, live, recovered, context);
	const plain = checks.map(({ check, state, detail, hint }): CheckResult => ({ check, state, detail, ...(hint === undefined ? {} : { hint }) }));
	const nothing = { safetyBackup: null, recoveredBackup: null, previousDatabase: null, outageMilliseconds: null, comparison: [], warnings: [] };
	if (options.dryRun) return { dryRun: true, database, ...nothing, checks: plain, plan: planOf(options, exists, dumped), steps: steps.steps };
	throwIfFailed(checks, `"${database}" was not replaced`);

	const dump = async (step: string, connection: PostgresConnection, name: string, note: string): Promise<Manifest> =>
		await steps.run(
			step,
			async () =>
				await dumpDatabase(
					{ connection, database: name, format: 'custom', parallelJobs: 1, fingerprint: true, compressionLevel: options.compressionLevel, lockWaitSeconds, note, safety: true, includeSchemas: [], excludeSchemas: [], includeTables: [], excludeTables: [] },
					store,
					context,
				),
			({ id }) => `${id}.`,
		);
	const safety = dumped ? await dump('Dump the live database', options.connection, database, `Safety dump before "${database}" was replaced by a recovered one`) : null;
	// It holds a state of the past: were it a dump like any other and the swap failed, it would count as the newest of the live database.
	const taken = await dump('Dump the recovered database', options.recovered, recoveredDatabase, `Taken from a recovered server, to replace "${database}"`);
	const restored = await restoreDatabase(
		{
			store,
			connection: options.connection,
			backup: { by: 'id', id: taken.id },
			target: { mode: exists ? 'swap' : 'new', database },
			parallelJobs,
			minimumVerification: 'none',
			globals: options.globals,
			dryRun: false,
			confirmation: options.confirmation,
			allowN8nDatabase: options.allowN8nDatabase,
			lockWaitSeconds,
		},
		context,
	);
	return {
		dryRun: false,
		database,
		safetyBackup: safety && summarize(safety, undefined, store.description),
		recoveredBackup: summarize(taken, undefined, store.description),
		previousDatabase: restored.previousDatabase,
		outageMilliseconds: restored.outageMilliseconds,
		checks: [...plain, ...restored.checks],
		plan: [],
		steps: [...steps.steps, ...restored.steps],
		comparison: restored.comparison,
		warnings: restored.warnings,
	};
}

async function lookAt(connection: PostgresConnection, doing: string, { signal }: JobContext): Promise<FoundServer> {
	return await withClient(connection, { signal, applicationName: APPLICATION_NAME, doing }, async (client) => {
		const { rows } = await client.query<{ identity: string; recovering: boolean; databases: { name: string; open: boolean }[] }>(
			`SELECT pg_catalog.pg_postmaster_start_time()::text AS identity, pg_catalog.pg_is_in_recovery() AS recovering,
				(SELECT json_agg(json_build_object('name', datname, 'open', datallowconn)) FROM pg_catalog.pg_database) AS databases`,
		);
		const [row] = rows;
		if (!row) throw new BackupError('SERVER_ERROR', `The server ${connection.host}:${connection.port} says nothing about itself.`, "Look at the server's log.");
		return row;
	});
}

function checkReplace(options: ReplaceOptions, live: FoundServer, recovered: FoundServer, { keys }: JobContext): RestoreCheck[] {
	const { database, recoveredDatabase, confirmation } = options;
	const unreadable = keys.encryption !== null && keys.decryption === null;
	return [
		confirmation === database
			? { check: 'Confirmation', state: 'passed', detail: `The name "${database}" was typed.` }
			: { check: 'Confirmation', state: 'failed', code: 'NOT_CONFIRMED', detail: confirmation === '' ? 'It was not confirmed.' : `The confirmation ${JSON.stringify(confirmation)} is not the name of the database.`, hint: `Type the name of the database, ${JSON.stringify(database)}, as the confirmation.` },
		live.identity === recovered.identity
			? { check: 'Two servers', state: 'failed', code: 'INVALID_INPUT', detail: 'The recovered server is the live one.', hint: 'Give the connection that the recovery handed on.' }
			: { check: 'Two servers', state: 'passed', detail: 'The recovered server is another one than the live one.' },
		recovered.recovering
			? { check: 'Recovery', state: 'failed', code: 'INVALID_INPUT', detail: 'The recovered server is still in recovery.', hint: 'Wait until it is done.' }
			: { check: 'Recovery', state: 'passed', detail: 'The recovered server is no longer in recovery.' },
		recovered.databases.some(({ name, open }) => open && name === recoveredDatabase)
			? { check: 'Recovered database', state: 'passed', detail: `"${recoveredDatabase}" is there.` }
			: { check: 'Recovered database', state: 'failed', code: 'DATABASE_NOT_FOUND', detail: `The recovered server has no database "${recoveredDatabase}".`, hint: `It has ${recovered.databases.flatMap(({ name, open }) => (open ? [`"${name}"`] : [])).join(', ')}.` },
		unreadable
			? { check: 'Key', state: 'failed', code: 'KEY_MISSING', detail: 'The dump of the recovered database would be encrypted, and no key that opens it was given.', hint: 'Give the identity (secret key) that belongs to the recipients.' }
			: { check: 'Key', state: 'passed', detail: 'What is dumped can be read back.' },
	];
}

function planOf({ database, recoveredDatabase, store }: ReplaceOptions, exists: boolean, dumped: boolean): string[] {
	const kept = `"${database}" takes no connections, so that it cannot be dumped first: it is kept by the swap alone. It stays closed.`;
	return [
		...(dumped ? [`Dump the live database "${database}" into the store (${store.description}), as a safety.`] : [exists ? kept : `There is no live database "${database}": nothing to dump first.`]),
		`Dump "${recoveredDatabase}" of the recovered server into the same store.`,
		exists ? `Restore that dump beside "${database}", compare it with what was dumped, and swap the two by name.` : `Restore that dump as "${database}", and compare it with what was dumped.`,
		...(exists ? [`Keep the one that is live now, as "${database}_before_" and the time.`] : []),
	];
}
