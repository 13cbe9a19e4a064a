import { escapeIdentifier } from 'pg';
import { checkKeys } from '../../backup/check-keys';
import { withBackupInUse } from '../../backup/use-backup';
import type { BackupKind } from '../../catalog/component';
import { findBackup, type FoundBackup } from '../../catalog/find-backup';
import type { JobContext } from '../../core/context';
import { type AppliedGlobals, applyGlobals, type Globals, readGlobals } from './apply-globals';
import { checkBackup, checkServer, neededRoles } from './backup-checks';
import { discardAfter, leftInExisting } from './clean-up-failure';
import { createDatabase } from './create-database';
import { previousName, restoreName } from './database-names';
import { checkDump, type StoredDump, storedDump, temporaryBytes } from './dump-files';
import { exchangeDatabases } from './exchange';
import { fenceMark, fenceStatements } from './fence';
import { fillDatabase, type FilledDatabase } from './fill-database';
import { describeLive, fenceOf, ownComment, swappedSince } from './live-database';
import { type Maintenance, withMaintenance } from './maintenance';
import type { DatabaseMark } from './marker';
import type { RestoreOptions } from './options';
import { restorePlan } from './restore-plan';
import type { RestoreCheck } from '../../core/steps';
import type { RestoreResult } from './result';
import { findPgRestore } from './run-pg-restore';
import { commentStatement, discardScratch, dropDeadScratchDatabases, holdScratchKey, markStatement, newScratchKey, scratchMark } from './scratch-database';
import { setAsideStatements } from './set-aside';
import { checkSpace } from './space-checks';
import { StepRecorder } from '../../core/steps';
import { checkTarget } from './target-checks';
import { lockTargetName } from './target-lock';
import { readDatabases, readTargetServer, type TargetDatabase, type TargetServer } from './target-server';
import { throwIfFailed } from '../../core/throw-if-failed';

/**
 * Restores a database from a backup. A new or live database is never touched before a copy beside it has been proven: the copy is
 * restored under a name of its own and gets its real name at the end. Whatever goes wrong, or when the job is cancelled, the copy is dropped.
 * @throws BackupError see `ERROR_CODES`; checks fail before anything is changed
 */
export async function restoreDatabase(options: RestoreOptions, context: JobContext): Promise<RestoreResult> {
	const steps = new StepRecorder(context.progress);
	const found = await steps.run(
		'Find the backup',
		async () => await findBackup(options.store, { component: 'postgres', kinds: restorableKinds(options.backup), choice: options.backup }),
		({ summary }) => `${summary.id}: ${summary.source}, ${summary.startedAt}, ${summary.sourceBytes} bytes.`,
	);
	return await withBackupInUse(options.store, context, found.manifest, async (signal) => await restoreFoundDatabase(options, found, { ...context, signal }, steps));
}

/** The same for a backup that has been found and is held: one of `postgres`, or another whose manifest has the same parts. */
export async function restoreFoundDatabase(options: RestoreOptions, found: FoundBackup, context: JobContext, steps: StepRecorder): Promise<RestoreResult> {
	return await withMaintenance(options.connection, [options.target.database], context, async (session) => await new Restore(options, found, session, context, steps).run());
}

/** A part of a database, or one that was about to be replaced, is restored only when a person names that very backup: "the newest" always means a whole one. */
function restorableKinds(choice: RestoreOptions['backup']): BackupKind[] {
	return choice.by === 'id' ? ['full', 'partial', 'safety'] : ['full'];
}

class Restore {
	private readonly dump: StoredDump;

	constructor(
		private readonly options: RestoreOptions,
		private readonly found: FoundBackup,
		private readonly session: Maintenance,
		private readonly context: JobContext,
		private readonly steps: StepRecorder,
	) {
		this.dump = storedDump(options.store, found.manifest);
	}

	async run(): Promise<RestoreResult> {
		const { options, context, steps } = this;
		const globals = options.globals === null ? undefined : await this.readGlobals(options.globals);
		if (!options.dryRun) await lockTargetName(this.session, options.target.database, options.lockWaitSeconds);
		const server = await readTargetServer(this.session.client);
		const done = this.alreadyInPlace(server);
		if (done) return done;
		const checks = await steps.run('Check', async () => await this.check(server, globals), (made) => `${made.length} points were checked.`);
		const liveExists = server.databases.has(options.target.database);
		const missingRoles = neededRoles(this.found.manifest).filter((role) => !server.roles.has(role));
		if (options.dryRun) {
			const plan = restorePlan(options, { dump: this.dump, liveExists, missingRoles, now: context.now() });
			return this.result({ checks, plan, previousDatabase: null, comparison: [], outageMilliseconds: null, warnings: [] });
		}
		throwIfFailed(checks, `Backup ${this.found.manifest.id} was not restored`);

		const warnings = await this.dropLeftovers();
		if (globals && missingRoles.length > 0) warnings.push(...(await this.applyGlobals(globals)).warnings);
		if (options.target.mode === 'existing') {
			const filled = await this.fillExisting(server);
			return this.result({ checks, plan: [], previousDatabase: null, comparison: filled.comparison.tables, outageMilliseconds: null, warnings: [...warnings, ...filled.warnings] });
		}
		const { filled, ...placed } = await this.restoreBeside(server);
		return this.result({ checks, plan: [], ...placed, comparison: filled.comparison.tables, warnings: [...warnings, ...filled.warnings] });
	}

	/** A run that died after its swap has left nothing to do. The server says so, and the lock on the name keeps others from changing it meanwhile. */
	private alreadyInPlace(server: TargetServer): RestoreResult | undefined {
		const { unlessSwappedSince: since, dryRun, target } = this.options;
		if (since === undefined || since === null || dryRun || target.mode !== 'swap') return undefined;
		const live = swappedSince(server, target.database, this.found.manifest.id, since);
		if (live === undefined) return undefined;
		const previousDatabase = live.restored?.previousDatabase ?? null;
		return this.result({ checks: [], plan: [], previousDatabase, comparison: [], outageMilliseconds: null, warnings: [], alreadyInPlace: true, live });
	}

	private result(rest: Omit<RestoreResult, 'dryRun' | 'backup' | 'database' | 'steps' | 'alreadyInPlace' | 'live'> & Partial<Pick<RestoreResult, 'alreadyInPlace' | 'live'>>): RestoreResult {
		const { options, found, steps } = this;
		const checks = rest.checks.map(({ check, state, detail, hint }) => ({ check, state, detail, ...(hint === undefined ? {} : { hint }) }));
		return { dryRun: options.dryRun, backup: found.summary, database: options.target.database, steps: steps.steps, alreadyInPlace: false, live: null, ...rest, checks };
	}

	private async readGlobals(choice: NonNullable<RestoreOptions['globals']>): Promise<Globals> {
		const { manifest } = await findBackup(this.options.store, { component: 'postgres', kinds: ['globals'], choice });
		return await withBackupInUse(this.options.store, this.context, manifest, async (signal) => await readGlobals(this.options.store, manifest, { ...this.context, signal }));
	}

	private async check(server: TargetServer, globals: Globals | undefined): Promise<RestoreCheck[]> {
		const { manifest, summary } = this.found;
		const client = await findPgRestore(this.dump, this.options.connection, server.major, this.context.signal);
		return [
			...checkBackup(summary, this.options),
			...(await checkKeys(this.options.store, manifest, this.context)),
			{ check: 'PostgreSQL client', state: 'passed', detail: `${client.path} (${client.version})` },
			...checkServer(manifest, server, globals),
			...(await checkSpace({ manifest, server, workFolder: this.context.workFolder, temporaryBytes: temporaryBytes(this.dump, this.options.parallelJobs) })),
			...(await checkTarget(this.session, server, this.options)),
		];
	}

	private async dropLeftovers(): Promise<string[]> {
		const { dropped, warnings } = await dropDeadScratchDatabases(this.session);
		if (dropped.length > 0) this.context.progress({ step: `Dropped ${dropped.join(', ')}, left by a run that was killed` });
		return [...dropped.map((name) => `Dropped "${name}", which a run that was killed had left.`), ...warnings];
	}

	private async applyGlobals(globals: Globals): Promise<AppliedGlobals> {
		return await this.steps.run(
			'Create missing roles',
			async () => await applyGlobals(this.session.client, globals),
			({ createdRoles }) => `Created ${createdRoles.join(', ')} from the globals backup ${globals.id}; roles that existed were not touched.`,
		);
	}

	private async fill(server: TargetServer, database: string, own: boolean): Promise<FilledDatabase> {
		const client = await findPgRestore(this.dump, this.options.connection, server.major, this.context.signal);
		const request = { session: this.session, server, client, dump: this.dump, database, parallelJobs: this.options.parallelJobs, own };
		return await fillDatabase(request, this.context, this.steps);
	}

	/** Here nothing can be dropped when it fails: so the whole backup is read and checked before the first byte is written. */
	private async fillExisting(server: TargetServer): Promise<FilledDatabase> {
		const { database } = this.options.target;
		await this.steps.run('Check the backup', async () => await checkDump(this.dump, this.context), () => 'Every byte is as it was written.');
		try {
			return await this.fill(server, database, false);
		} catch (error) {
			throw leftInExisting(error, database);
		}
	}

	private async restoreBeside(server: TargetServer): Promise<{ filled: FilledDatabase } & PutInPlace> {
		const { session, context, steps, options } = this;
		const { database } = options.target;
		const settings = this.found.manifest.postgres?.settings;
		const key = newScratchKey(context);
		const beside = restoreName(database, context.now(), key);
		await holdScratchKey(session.client, key);
		try {
			await steps.run(
				'Create the database',
				async () => {
					await createDatabase(session, beside, settings, server);
					await session.client.query(markStatement(beside, scratchMark(context, database, this.found.manifest.id, settings?.comment ?? null)));
				},
				() => `"${beside}" was created beside "${database}".`,
			);
			const filled = await this.fill(server, beside, true);
			return { filled, ...(await this.putInPlace(beside)) };
		} catch (error) {
			await discardAfter(error, async () => await discardScratch(session, beside), `the database "${beside}"`);
			throw error;
		}
	}

	/** Gives the proven copy its name; in a swap, in exchange for the live one. */
	private async putInPlace(beside: string): Promise<PutInPlace> {
		const { session, context, steps, options } = this;
		const { database, mode } = options.target;
		const databases = await readDatabases(session.client);
		const live = mode === 'swap' ? databases.get(database) : undefined;
		const at = context.now();
		const keepAs = live === undefined ? undefined : previousName(database, 'before', at, new Set(databases.keys()));
		const exchange = {
			live: database,
			incoming: beside,
			keepAs,
			alongside: [
				...finalStatements(beside, this.found.manifest.postgres?.settings),
				...this.fence(beside, live, at),
				...(live === undefined ? [] : setAsideStatements(database, { ...this.previousMark(at), comment: ownComment(live), connectionLimit: live.connectionLimit })),
			],
		};
		const outage = await steps.run(
			live === undefined ? 'Give it its name' : 'Swap',
			async () => await exchangeDatabases(exchange, { connection: session.connection, maintenanceDatabase: session.database, signal: context.signal }),
			(milliseconds) =>
				keepAs === undefined
					? `The restored database is now "${database}".`
					: `The restored database is now "${database}"; clients could not connect for ${milliseconds} ms. The one from before is kept as "${keepAs}".`,
		);
		return {
			previousDatabase: keepAs ?? null,
			outageMilliseconds: keepAs === undefined ? null : outage,
			live: mode === 'swap' ? describeLive({ databases: await readDatabases(session.client) }, database) : null,
		};
	}

	/** A fence that stands around the live name stays, and says from now on what is behind it. */
	private fence(beside: string, live: TargetDatabase | undefined, at: Date): string[] {
		const { keepClosed, target } = this.options;
		const standing = fenceOf(live);
		if (target.mode !== 'swap' || (keepClosed !== true && standing === undefined)) return [];
		const settings = this.found.manifest.postgres?.settings;
		const mark = fenceMark({ now: () => at }, { name: target.database, comment: settings?.comment ?? null, allowsConnections: standing?.open ?? live?.allowsConnections ?? true });
		return fenceStatements(beside, { ...mark, backup: this.found.manifest.id });
	}

	private previousMark(at: Date): DatabaseMark {
		return { ...scratchMark(this.context, this.options.target.database, this.found.manifest.id, null), role: 'previous', at: at.toISOString() };
	}
}

/** How the exchange went. */
type PutInPlace = Pick<RestoreResult, 'previousDatabase' | 'outageMilliseconds' | 'live'>;

/** What makes a scratch database an ordinary one: its own comment instead of our mark, its limits. */
function finalStatements(database: string, settings: { readonly comment: string | null; readonly connectionLimit: number; readonly isTemplate: boolean } | undefined): string[] {
	const statements = [commentStatement(database, settings?.comment ?? null)];
	const name = escapeIdentifier(database);
	if (settings && settings.connectionLimit >= 0) statements.push(`ALTER DATABASE ${name} CONNECTION LIMIT ${settings.connectionLimit}`);
	if (settings?.isTemplate) statements.push(`ALTER DATABASE ${name} IS_TEMPLATE true`);
	return statements;
}
