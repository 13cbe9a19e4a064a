import type { ICredentialDataDecryptedObject, IExecuteFunctions, ILoadOptionsFunctions, ITriggerFunctions } from 'n8n-workflow';
import type { Decryption, Encryption } from '../../lib/core/keys';
import type { ProgressEvent } from '../../lib/core/progress';
import type { ResultOf } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { JobInput, JobKind } from '../../lib/jobs/schema/job';
import type { StoreLocation } from '../../lib/storage/location';
import { postgresConnection, type PostgresConnectionInput, storeLocation } from './credentials';
import { decryptionOf, encryptionOf } from './encryption-keys';
import { environmentPolicy, type FilePolicy } from './file-policy';
import { allowedFolder } from './folder-policy';
import { type N8nPlace, ownN8n } from './own-n8n';
import { redisConnection, type RedisConnectionInput } from './redis-credential';
import { allowedStore } from './store-policy';

export type InputOf<K extends JobKind> = Extract<JobInput, { kind: K }>;

/** Drop-downs and connection tests give up after this time, so that a panel never hangs. */
const LOOKUP_TIMEOUT_MS = 45_000;
/** Browsers get at most one line of progress in this time. */
const PROGRESS_INTERVAL_MS = 1_000;

/** Where a job gets its connection and store from; each is asked for only by jobs that need it. */
export interface JobSources {
	readonly connection: () => Promise<PostgresConnectionInput>;
	readonly redis: () => Promise<RedisConnectionInput>;
	readonly store: () => Promise<StoreLocation>;
	/** The second store, for jobs that go from one to another. */
	readonly target: () => Promise<StoreLocation>;
	/** A folder that the job may read or write; `label` is its field's name. */
	readonly folder: (path: string, label: string) => Promise<string>;
	/** What a new backup is encrypted with; null without a credential. */
	readonly encryption: () => Promise<Encryption | null>;
	/** What backups are decrypted with; null without a credential. */
	readonly decryption: () => Promise<Decryption | null>;
	/** The n8n that the node runs in; throws where backing it up is not allowed. */
	readonly ownN8n: () => N8nPlace;
}

/** The sources of one item's job, from the node's credentials. */
export function executionSources(context: IExecuteFunctions, itemIndex: number): JobSources {
	const policy: FilePolicy = {
		resolvePath: async (path) => await context.helpers.resolvePath(path),
		isBlocked: (path) => context.helpers.isFilePathBlocked(path as Parameters<typeof context.helpers.isFilePathBlocked>[0]),
	};
	// n8n throws for an optional credential that was not chosen.
	const keys = async () => (context.getNode().credentials?.backupEncryptionApi ? await context.getCredentials('backupEncryptionApi', itemIndex) : undefined);
	return {
		connection: async () => postgresConnection(await context.getCredentials('backupPostgresApi', itemIndex)),
		redis: async () => redisConnection(await context.getCredentials('backupRedisApi', itemIndex)),
		store: async () => await allowedStore(storeLocation(await context.getCredentials('backupStoreApi', itemIndex)), policy),
		target: async () => await allowedStore(storeLocation(await context.getCredentials('backupTargetStoreApi', itemIndex)), policy),
		folder: async (path, label) => await allowedFolder(path, label, policy),
		encryption: async () => chosen(await keys(), encryptionOf),
		decryption: async () => chosen(await keys(), decryptionOf),
		ownN8n: () => ownN8n(process.env, process.argv[1] ?? ''),
	};
}

function chosen<T>(data: ICredentialDataDecryptedObject | undefined, read: (data: ICredentialDataDecryptedObject) => T | null): T | null {
	return data === undefined ? null : read(data);
}

/** The sources of a drop-down's job; lists need no keys. */
export function lookupSources(context: ILoadOptionsFunctions): JobSources {
	return {
		connection: async () => postgresConnection(await context.getCredentials('backupPostgresApi')),
		redis: async () => redisConnection(await context.getCredentials('backupRedisApi')),
		store: async () => await lookupStore(await context.getCredentials('backupStoreApi')),
		target: async () => await lookupStore(await context.getCredentials('backupTargetStoreApi')),
		folder: async (path, label) => await allowedFolder(path, label, environmentPolicy(process.env)),
		encryption: async () => null,
		decryption: async () => null,
		ownN8n: () => ownN8n(process.env, process.argv[1] ?? ''),
	};
}

/** What a trigger's job is made of; n8n gives triggers no helpers for its file policy. */
export function triggerSources(context: ITriggerFunctions): Pick<JobSources, 'connection' | 'store' | 'encryption' | 'decryption'> {
	const keys = async () => (context.getNode().credentials?.backupEncryptionApi ? await context.getCredentials('backupEncryptionApi') : undefined);
	return {
		connection: async () => postgresConnection(await context.getCredentials('backupPostgresApi')),
		store: async () => await lookupStore(await context.getCredentials('backupStoreApi')),
		encryption: async () => chosen(await keys(), encryptionOf),
		decryption: async () => chosen(await keys(), decryptionOf),
	};
}

/** The store of a credential that is used outside an execution. */
export async function lookupStore(data: ICredentialDataDecryptedObject): Promise<StoreLocation> {
	return await allowedStore(storeLocation(data), environmentPolicy(process.env));
}

/** Runs a short job for a drop-down or a connection test. */
export async function runLookup<K extends JobKind>(job: InputOf<K>): Promise<ResultOf<K>> {
	return await runJob<K>(job, { timeoutMs: LOOKUP_TIMEOUT_MS });
}

/** Runs an item's job: n8n's Stop cancels it, its progress goes to the browser's console. */
export async function runForItem<K extends JobKind>(
	context: IExecuteFunctions,
	job: InputOf<K>,
	timeoutMinutes: number | undefined,
): Promise<ResultOf<K>> {
	return await runJob<K>(job, {
		signal: context.getExecutionCancelSignal(),
		timeoutMs: timeoutMinutes === undefined || timeoutMinutes === 0 ? undefined : timeoutMinutes * 60_000,
		onProgress: progressToBrowser(context),
	});
}

function progressToBrowser(context: IExecuteFunctions): (event: ProgressEvent) => void {
	let lastAt = Number.NEGATIVE_INFINITY;
	let lastStep = '';
	return (event) => {
		const at = performance.now();
		if (event.step === lastStep && at - lastAt < PROGRESS_INTERVAL_MS) return;
		lastAt = at;
		lastStep = event.step;
		context.sendMessageToUI(describeProgress(event));
	};
}

/** One line for people, e.g. `Dumping crm_dashboard: 40 % (48 of 120 MB)`. */
export function describeProgress({ step, done, total, unit }: ProgressEvent): string {
	if (done === undefined) return step;
	const amount = (value: number) => (unit === 'bytes' ? `${(value / 1e6).toFixed(1)} MB` : `${value} ${unit ?? ''}`.trim());
	if (total === undefined || total === 0) return `${step}: ${amount(done)}`;
	return `${step}: ${Math.floor((done / total) * 100)} % (${amount(done)} of ${amount(total)})`;
}
