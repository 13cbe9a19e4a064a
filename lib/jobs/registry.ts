import type { JobContext } from '../core/context';
import type { JobHandler } from './handler';
import type { ItemOf, ResultOf } from './results';
import type { JobKind, JobOf } from './schema/job';

/** Each job loads its own handler only: what others need takes longer to load than many a job takes to run. */
const handlers: { readonly [K in JobKind]: () => Promise<JobHandler<K>> } = {
	'postgres.dumpDatabase': async () => (await import('./handlers/postgres-dump-database.js')).dumpDatabase,
	'postgres.dumpGlobals': async () => (await import('./handlers/postgres-dump-globals.js')).dumpGlobals,
	'postgres.extractChangedRows': async () => (await import('./handlers/postgres-extract-changed-rows.js')).extractChangedRows,
	'postgres.baseBackup': async () => (await import('./handlers/postgres-base-backup.js')).baseBackup,
	'postgres.replicationPreflight': async () => (await import('./handlers/postgres-replication-preflight.js')).replicationPreflight,
	'postgres.archiveWal': async () => (await import('./handlers/postgres-archive-wal.js')).archiveServerWal,
	'postgres.streamWal': async () => (await import('./handlers/postgres-stream-wal.js')).streamServerWal,
	'postgres.restoreDatabase': async () => (await import('./handlers/postgres-restore-database.js')).restoreDatabase,
	'postgres.fence': async () => (await import('./handlers/postgres-fence.js')).fence,
	'postgres.undoSwap': async () => (await import('./handlers/postgres-undo-swap.js')).undoSwap,
	'postgres.dropPrevious': async () => (await import('./handlers/postgres-drop-previous.js')).dropPrevious,
	'postgres.compareDatabases': async () => (await import('./handlers/postgres-compare-databases.js')).compareDatabases,
	'postgres.testConnection': async () => (await import('./handlers/postgres-test-connection.js')).testConnection,
	'postgres.preflight': async () => (await import('./handlers/postgres-preflight.js')).preflight,
	'postgres.listDatabases': async () => (await import('./handlers/postgres-list-databases.js')).listDatabases,
	'postgres.listSchemas': async () => (await import('./handlers/postgres-list-schemas.js')).listSchemas,
	'postgres.listTables': async () => (await import('./handlers/postgres-list-tables.js')).listTables,
	'postgres.recover': async () => (await import('./handlers/postgres-recover.js')).recover,
	'postgres.stopRecovered': async () => (await import('./handlers/postgres-stop-recovered.js')).stopRecovered,
	'postgres.replaceFromRecovered': async () => (await import('./handlers/postgres-replace-from-recovered.js')).replaceFromRecovered,
	'postgres.findIncident': async () => (await import('./handlers/postgres-find-incident.js')).findIncident,
	'postgres.askDamaged': async () => (await import('./handlers/postgres-ask-damaged.js')).askDamaged,
	'postgres.diffRows': async () => (await import('./handlers/postgres-diff-rows.js')).diffRows,
	'postgres.applyPatch': async () => (await import('./handlers/postgres-apply-patch.js')).applyPatch,
	'verify.recoveryDrill': async () => (await import('./handlers/verify-recovery-drill.js')).recoveryDrill,
	'redis.testConnection': async () => (await import('./handlers/redis-test-connection.js')).testRedis,
	'redis.snapshot': async () => (await import('./handlers/redis-snapshot.js')).snapshotRedis,
	'redis.restore': async () => (await import('./handlers/redis-restore.js')).restoreRedis,
	'store.test': async () => (await import('./handlers/store-test.js')).testStore,
	'encryption.test': async () => (await import('./handlers/encryption-test.js')).testEncryption,
	'catalog.list': async () => (await import('./handlers/catalog-list.js')).listBackupsHandler,
	'catalog.prune': async () => (await import('./handlers/catalog-prune.js')).prune,
	'catalog.cleanUp': async () => (await import('./handlers/catalog-clean-up.js')).cleanUp,
	'catalog.copy': async () => (await import('./handlers/catalog-copy.js')).copy,
	'catalog.retentionHold': async () => (await import('./handlers/catalog-retention-hold.js')).retentionHold,
	'catalog.dashboard': async () => (await import('./handlers/catalog-dashboard.js')).dashboard,
	'catalog.pruneWal': async () => (await import('./handlers/catalog-prune-wal.js')).pruneWal,
	'catalog.copyWal': async () => (await import('./handlers/catalog-copy-wal.js')).copyWal,
	'breakGlass.write': async () => (await import('./handlers/break-glass-write.js')).writeBreakGlassKit,
	'catalog.status': async () => (await import('./handlers/catalog-status.js')).status,
	'catalog.log': async () => (await import('./handlers/catalog-log.js')).mirrorLog,
	'recovery.record': async () => (await import('./handlers/recovery-record.js')).recordPoint,
	'recovery.begin': async () => (await import('./handlers/recovery-begin.js')).begin,
	'recovery.next': async () => (await import('./handlers/recovery-next.js')).nextStage,
	'recovery.note': async () => (await import('./handlers/recovery-note.js')).note,
	'recovery.read': async () => (await import('./handlers/recovery-read.js')).readRecoveries,
	'recovery.crossCheck': async () => (await import('./handlers/recovery-cross-check.js')).crossCheck,
	'recovery.list': async () => (await import('./handlers/recovery-list.js')).listPoints,
	'files.archive': async () => (await import('./handlers/files-archive.js')).archiveFiles,
	'files.restore': async () => (await import('./handlers/files-restore.js')).restoreFiles,
	'verify.filesDrill': async () => (await import('./handlers/verify-files-drill.js')).filesDrill,
	'verify.integrity': async () => (await import('./handlers/verify-integrity.js')).verifyIntegrity,
	'verify.continuity': async () => (await import('./handlers/verify-continuity.js')).verifyContinuity,
	'verify.restoreDrill': async () => (await import('./handlers/verify-restore-drill.js')).restoreDrill,
	'n8n.backup': async () => (await import('./handlers/n8n-backup.js')).backupN8n,
	'n8n.restore': async () => (await import('./handlers/n8n-restore.js')).restoreN8n,
	'n8n.exportWorkflows': async () => (await import('./handlers/n8n-export-workflows.js')).exportWorkflows,
	'verify.n8nDrill': async () => (await import('./handlers/verify-n8n-drill.js')).n8nDrill,
	'verify.redisDrill': async () => (await import('./handlers/verify-redis-drill.js')).redisDrill,
};

/** Runs the handler of the job's kind. */
export async function runHandler<K extends JobKind>(job: JobOf<K>, context: JobContext, emit?: (item: ItemOf<K>) => void): Promise<ResultOf<K>> {
	const handler: JobHandler<K> = await handlers[job.kind]();
	return await handler(job, context, emit);
}
