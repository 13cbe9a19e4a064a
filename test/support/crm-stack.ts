import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCrmDatabase } from './crm-database';
import { createCrmFiles, type CrmFolders } from './crm-files';
import { fillCrmRedis } from './crm-redis';
import { type DatabaseContents, differences, snapshotContents } from './database-contents';
import { readTree, type Tree, treeDifferences } from './file-trees';
import { type PostgresServer, startPostgres } from './postgres-server';
import { type RedisServer, startRedis } from './redis-server';

/** The database that *Backup: Settings* names as it is shipped. */
export const CRM_DATABASE = 'crm_dashboard';

/** Everything of a small company that can be lost, but n8n: database, Redis, files. */
export interface CrmStack {
	readonly server: PostgresServer;
	readonly redis: RedisServer;
	readonly folders: CrmFolders;
	/** Folders for backups besides the first one, each as if on another disk. */
	readonly places: { readonly second: string; readonly third: string };
	stop(): Promise<void>;
}

/** What a stack held at one moment. */
export interface StackContents {
	readonly database: DatabaseContents;
	readonly redis: string;
	readonly uploads: Tree;
	readonly config: Tree;
}

export async function startCrmStack(scale = 1): Promise<CrmStack> {
	const root = await mkdtemp(join(tmpdir(), 'backup-recovery-crm-'));
	const [server, redis] = await Promise.all([startPostgres(), startRedis({ password: 'redis-of-the-crm' })]);
	const places = { second: join(root, 'second-place'), third: join(root, 'third-place') };
	const [folders] = await Promise.all([
		createCrmFiles(join(root, 'app'), scale),
		createCrmDatabase(server, CRM_DATABASE, scale),
		fillCrmRedis(redis.redis, scale),
		...Object.values(places).map(async (place) => await mkdir(place)),
	]);
	return {
		server,
		redis,
		folders,
		places,
		stop: async () => {
			await Promise.all([server.stop(), redis.stop()]);
			await rm(root, { recursive: true, force: true });
		},
	};
}

export async function readStack({ server, redis, folders }: CrmStack): Promise<StackContents> {
	return {
		database: await snapshotContents(server, CRM_DATABASE),
		redis: await redis.digest(),
		uploads: await readTree(folders.uploads),
		config: await readTree(folders.config),
	};
}

/** Where a restore in place keeps what it replaced. */
const KEPT = /^\.before-restore-/;

/** What differs between two moments of a stack, as lines for people; not what a restore kept aside, nor the configuration, which is never replaced. */
export function stackDifferences(one: StackContents, other: StackContents): string[] {
	return [
		...differences(one.database, other.database).map((table) => `database: ${table}`),
		...(one.redis === other.redis ? [] : ['Redis: the digest over all keys']),
		...treeDifferences(withoutKept(one.uploads), withoutKept(other.uploads)).map((path) => `uploads: ${path}`),
	];
}

/** The uploads folder itself gets a new time when something is kept in it. */
function withoutKept(tree: Tree): Tree {
	const { '': _, ...rest } = tree;
	return Object.fromEntries(Object.entries(rest).filter(([path]) => !KEPT.test(path)));
}
