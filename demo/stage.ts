import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { generateIdentity } from 'age-encryption';
import { CRM_DATABASE, type CrmStack, startCrmStack } from '../test/support/crm-stack';
import { folderPlace, type StorePlace } from '../test/support/n8n-credentials';
import { type N8nServer, startN8n } from '../test/support/n8n-server';
import { packPackage } from '../test/support/packed-package';
import { type S3Server, startS3 } from '../test/support/s3-server';
import { installShippedWorkflows, type InstalledWorkflows, SHIPPED } from '../test/support/shipped-workflows';
import type { CleanUp } from './clean-up';
import type { Progress } from './progress';
import { count, megabytes } from './report';

const BUCKET = 'crm-backups';

/** The team's servers and folders, their n8n with everything set up in it, and the three places where backups lie. */
export interface Stage {
	readonly stack: CrmStack;
	readonly n8n: N8nServer;
	readonly workflows: InstalledWorkflows;
	/** A file with the identity that opens the backups, as somebody keeps it outside. */
	readonly identityFile: string;
	/** null: the third place is a folder too. */
	readonly s3: S3Server | null;
	/** A folder of the demo's own. */
	readonly folder: string;
}

export interface StageOptions {
	readonly progress: Progress;
	readonly cleanUp: CleanUp;
	/** Make the third place a bucket with Object Lock on a real S3 server. */
	readonly withS3: boolean;
}

/** Builds everything that the demo plays on; whatever exists is in `cleanUp` at once. */
export async function buildStage({ progress, cleanUp, withS3 }: StageOptions): Promise<Stage> {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-demo-'));
	cleanUp.add(() => rm(folder, { recursive: true, force: true }));
	const stack = await progress.step('Start PostgreSQL and Redis, and fill a CRM', async () => {
		const started = await startCrmStack();
		cleanUp.add(() => started.stop());
		return { value: started, ...(await describeStack(started)) };
	});
	// The recovered server runs as another user than root.
	const recoveryFolder = await mkdtemp(join(tmpdir(), 'recovery-'));
	await chmod(recoveryFolder, 0o755);
	cleanUp.add(() => rm(recoveryFolder, { recursive: true, force: true }));
	const s3 = withS3 ? await startBucket(progress, cleanUp) : null;
	const n8n = await progress.step('Start n8n with the packed package installed', async () => {
		const packed = await packPackage();
		cleanUp.add(() => packed.remove());
		const started = await startN8n({
			tarball: packed.tarball,
			allowedFolders: [recoveryFolder, dirname(stack.folders.uploads), ...Object.values(stack.places)],
			env: { BACKUP_RECOVERY_ALLOW_N8N: 'true' },
		});
		cleanUp.add(() => started.stop());
		return { value: started, result: started.url };
	});
	const identity = await generateIdentity();
	const identityFile = join(folder, 'identity.txt');
	await writeFile(identityFile, `${identity}\n`, { mode: 0o600 });
	const workflows = await progress.step('Import credentials and workflows, publish them', async () => {
		const places = [folderPlace(n8n.storeFolder), folderPlace(stack.places.second), s3 ? bucketPlace(s3) : folderPlace(stack.places.third)] as const;
		const installed = await installShippedWorkflows(n8n, stack, { identity, places, recoveryFolder, withSchedules: true });
		return { value: installed, result: `${Object.keys(SHIPPED).length} workflows; backups are encrypted with age` };
	});
	return { stack, n8n, workflows, identityFile, s3, folder };
}

async function startBucket(progress: Progress, cleanUp: CleanUp): Promise<S3Server> {
	return await progress.step('Start a real S3 server (Ceph)', async () => {
		const started = await startS3();
		cleanUp.add(() => started.stop());
		await started.createBucket(BUCKET, { objectLock: true });
		return { value: started, result: `bucket "${BUCKET}" with Object Lock at ${started.endpoint}` };
	});
}

function bucketPlace({ endpoint, region, accessKeyId, secretAccessKey }: S3Server): StorePlace {
	return { type: 's3', bucket: BUCKET, prefix: 'demo', endpoint, region, forcePathStyle: true, authentication: 'keys', accessKeyId, secretAccessKey, objectLock: 'governance', objectLockDays: 1 };
}

async function describeStack({ server, redis }: CrmStack): Promise<{ size: string; result: string }> {
	const [size] = await server.query<{ bytes: string }>(`SELECT pg_database_size('${CRM_DATABASE}') AS bytes`);
	const [rows] = await server.query<{ rows: string }>(
		`SELECT sum(reltuples) AS rows FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'audit'::regnamespace)`,
		CRM_DATABASE,
	);
	return { size: megabytes(Number(size?.bytes)), result: `about ${count(Number(rows?.rows))} rows, ${count(await redis.redis.dbsize())} keys in Redis, uploads, configuration, logs` };
}
