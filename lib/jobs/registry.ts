import type { JobContext } from '../core/context';
import { cleanUp } from './handlers/catalog-clean-up';
import { copy } from './handlers/catalog-copy';
import { listBackupsHandler } from './handlers/catalog-list';
import { prune } from './handlers/catalog-prune';
import { dropPrevious } from './handlers/postgres-drop-previous';
import { dumpDatabase } from './handlers/postgres-dump-database';
import { dumpGlobals } from './handlers/postgres-dump-globals';
import { extractChangedRows } from './handlers/postgres-extract-changed-rows';
import { archiveFiles } from './handlers/files-archive';
import { restoreFiles } from './handlers/files-restore';
import { backupN8n } from './handlers/n8n-backup';
import { exportWorkflows } from './handlers/n8n-export-workflows';
import { restoreN8n } from './handlers/n8n-restore';
import { n8nDrill } from './handlers/verify-n8n-drill';
import { testEncryption } from './handlers/encryption-test';
import { listDatabases } from './handlers/postgres-list-databases';
import { listSchemas } from './handlers/postgres-list-schemas';
import { listTables } from './handlers/postgres-list-tables';
import { preflight } from './handlers/postgres-preflight';
import { restoreDatabase } from './handlers/postgres-restore-database';
import { testConnection } from './handlers/postgres-test-connection';
import { undoSwap } from './handlers/postgres-undo-swap';
import { crossCheck } from './handlers/recovery-cross-check';
import { listPoints } from './handlers/recovery-list';
import { recordPoint } from './handlers/recovery-record';
import { restoreRedis } from './handlers/redis-restore';
import { snapshotRedis } from './handlers/redis-snapshot';
import { testRedis } from './handlers/redis-test-connection';
import { testStore } from './handlers/store-test';
import { filesDrill } from './handlers/verify-files-drill';
import { verifyIntegrity } from './handlers/verify-integrity';
import { redisDrill } from './handlers/verify-redis-drill';
import { restoreDrill } from './handlers/verify-restore-drill';
import type { JobHandler } from './handler';
import type { ResultOf } from './results';
import type { JobKind, JobOf } from './schema/job';

const handlers: { readonly [K in JobKind]: JobHandler<K> } = {
	'postgres.dumpDatabase': dumpDatabase,
	'postgres.dumpGlobals': dumpGlobals,
	'postgres.extractChangedRows': extractChangedRows,
	'postgres.restoreDatabase': restoreDatabase,
	'postgres.undoSwap': undoSwap,
	'postgres.dropPrevious': dropPrevious,
	'postgres.testConnection': testConnection,
	'postgres.preflight': preflight,
	'postgres.listDatabases': listDatabases,
	'postgres.listSchemas': listSchemas,
	'postgres.listTables': listTables,
	'redis.testConnection': testRedis,
	'redis.snapshot': snapshotRedis,
	'redis.restore': restoreRedis,
	'store.test': testStore,
	'encryption.test': testEncryption,
	'catalog.list': listBackupsHandler,
	'catalog.prune': prune,
	'catalog.cleanUp': cleanUp,
	'catalog.copy': copy,
	'recovery.record': recordPoint,
	'recovery.crossCheck': crossCheck,
	'recovery.list': listPoints,
	'files.archive': archiveFiles,
	'files.restore': restoreFiles,
	'verify.filesDrill': filesDrill,
	'verify.integrity': verifyIntegrity,
	'verify.restoreDrill': restoreDrill,
	'n8n.backup': backupN8n,
	'n8n.restore': restoreN8n,
	'n8n.exportWorkflows': exportWorkflows,
	'verify.n8nDrill': n8nDrill,
	'verify.redisDrill': redisDrill,
};

/** Runs the handler of the job's kind. */
export function runHandler<K extends JobKind>(job: JobOf<K>, context: JobContext): Promise<ResultOf<K>> {
	const handler: JobHandler<K> = handlers[job.kind];
	return handler(job, context);
}
