import { checkKeys } from '../../backup/check-keys';
import { withBackupInUse } from '../../backup/use-backup';
import { type BackupChoice, findBackup } from '../../catalog/find-backup';
import type { Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import type { Store } from '../../storage/store';
import type { PostgresConnection } from '../connection-settings';
import { applyGlobals, dropCreatedRoles, type Globals, readGlobals } from './apply-globals';
import { checkServer, neededRoles } from './backup-checks';
import { discardAfter } from './clean-up-failure';
import type { TableComparison } from './compare-proof';
import { createDatabase } from './create-database';
import { drillName } from './database-names';
import { storedDump, temporaryBytes } from './dump-files';
import { fillDatabase } from './fill-database';
import { type Maintenance, withCleanUpSession, withMaintenance } from './maintenance';
import { describeComparison } from './prove-database';
import type { RestoreCheck } from '../../core/steps';
import { findPgRestore } from './run-pg-restore';
import { dropDatabase, dropDeadScratchDatabases, holdScratchKey, markStatement, newScratchKey, scratchMark } from './scratch-database';
import { checkSpace } from './space-checks';
import type { StepRecorder } from '../../core/steps';
import { readTargetServer, type TargetServer } from './target-server';
import { throwIfFailed } from '../../core/throw-if-failed';

export interface DrillRequest {
	readonly store: Store;
	readonly manifest: Manifest;
	readonly connection: PostgresConnection;
	readonly parallelJobs: number;
	readonly globals: BackupChoice | null;
	/** What else is to be proven of the throwaway database, once its contents are; yields a sentence. */
	readonly examine?: (database: string) => Promise<string>;
}

/**
 * Restores a dump into a throwaway database the same way as a real restore, compares it with the proof, and drops it, whatever happens.
 * Roles that a globals backup had to give are dropped again too.
 * @throws BackupError as a restore
 */
export async function runDrill(request: DrillRequest, context: JobContext, steps: StepRecorder): Promise<{ detail: string; comparison: TableComparison[] }> {
	return await withMaintenance(request.connection, [], context, async (session) => {
		const { dropped } = await dropDeadScratchDatabases(session);
		if (dropped.length > 0) context.progress({ step: `Dropped ${dropped.join(', ')}, left by a run that was killed` });
		const globals = request.globals === null ? undefined : await readChosenGlobals(request, request.globals, context);
		const server = await readTargetServer(session.client);
		const checks = await steps.run('Check', async () => await checkDrill(request, server, globals, context), (made) => `${made.length} points were checked.`);
		throwIfFailed(checks, `Backup ${request.manifest.id} was not restored`);
		return await drillWithRoles(request, session, server, globals, context, steps);
	});
}

async function readChosenGlobals(request: DrillRequest, choice: BackupChoice, context: JobContext): Promise<Globals> {
	const { manifest } = await findBackup(request.store, { component: 'postgres', kinds: ['globals'], choice });
	return await withBackupInUse(request.store, context, manifest, async (signal) => await readGlobals(request.store, manifest, { ...context, signal }));
}

async function checkDrill(request: DrillRequest, server: TargetServer, globals: Globals | undefined, context: JobContext): Promise<RestoreCheck[]> {
	const { manifest } = request;
	const needed = temporaryBytes(storedDump(request.store, manifest), request.parallelJobs);
	const rights: RestoreCheck = server.mayCreateDatabases
		? { check: 'Rights', state: 'passed', detail: `"${server.user}" may create databases.` }
		: { check: 'Rights', state: 'failed', code: 'PERMISSION_DENIED', detail: `The role "${server.user}" may not create databases.`, hint: 'ALTER ROLE … CREATEDB, or use a superuser.' };
	const keys = await checkKeys(request.store, manifest, context);
	return [rights, ...keys, ...checkServer(manifest, server, globals), ...(await checkSpace({ manifest, server, workFolder: context.workFolder, temporaryBytes: needed }))];
}

async function drillWithRoles(
	request: DrillRequest,
	session: Maintenance,
	server: TargetServer,
	globals: Globals | undefined,
	context: JobContext,
	steps: StepRecorder,
): Promise<{ detail: string; comparison: TableComparison[] }> {
	const key = newScratchKey(context);
	const database = drillName(request.manifest.id, key);
	const missing = neededRoles(request.manifest).some((role) => !server.roles.has(role));
	let created: string[] = [];
	await holdScratchKey(session.client, key);
	const cleanUp = async () =>
		await withCleanUpSession(request.connection, [database], async (cleaner) => {
			await dropDatabase(cleaner, database);
			await dropCreatedRoles(cleaner.client, created);
		});
	let outcome: { detail: string; comparison: TableComparison[] };
	try {
		if (globals && missing) created = (await applyGlobals(session.client, globals)).createdRoles;
		outcome = await restoreThrowaway(request, session, server, database, context, steps);
	} catch (error) {
		await discardAfter(error, cleanUp, `the throwaway database "${database}"`);
		throw error;
	}
	await steps.run('Drop the throwaway database', cleanUp, () => `"${database}" is gone${created.length > 0 ? `, and so are the roles that were created for it` : ''}.`);
	return outcome;
}

async function restoreThrowaway(
	request: DrillRequest,
	session: Maintenance,
	server: TargetServer,
	database: string,
	context: JobContext,
	steps: StepRecorder,
): Promise<{ detail: string; comparison: TableComparison[] }> {
	const { manifest } = request;
	const dump = storedDump(request.store, manifest);
	await steps.run(
		'Create a throwaway database',
		async () => {
			await createDatabase(session, database, manifest.postgres?.settings, server);
			await session.client.query(markStatement(database, scratchMark(context, database, manifest.id, null)));
		},
		() => `"${database}"`,
	);
	const client = await findPgRestore(dump, request.connection, server.major, context.signal);
	const { comparison, warnings } = await fillDatabase({ session, server, client, dump, database, parallelJobs: request.parallelJobs, own: true }, context, steps);
	const examine = request.examine;
	const examined = examine === undefined ? [] : [await steps.run('Examine it', async () => await examine(database), (found) => found)];
	const detail = [`Restored into a throwaway database on ${request.connection.host}:${request.connection.port} (PostgreSQL ${server.version}).`, describeComparison(comparison), ...examined, ...warnings];
	return { detail: detail.join(' '), comparison: comparison.tables };
}
