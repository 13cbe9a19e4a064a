import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BackupError, throwIfAborted } from '../../core/errors';
import { requireKey, requirePrefix } from '../key';
import type { GetOptions, Protection, PutOptions, Store, StoredObject } from '../store';
import { listFolderNames, listObjects, listUploads, removeUploads } from './listing';
import type { Doing } from './map-error';
import { readProtection, refusedForLock, requireLocked, requireLockingBucket, wantedLock } from './object-lock';
import { ObjectReader, type OpenedObject } from './object-reader';
import { BRISK, PATIENT, S3Requests, type S3Timing } from './requests';
import type { S3Location } from './settings';
import { isNotFound, readFailure } from './transient';
import { upload, type Uploaded } from './upload';

/** The connection test as a whole. */
const CHECK_MS = 40_000;
/** Requests that no job's signal belongs to. */
const NEVER = new AbortController().signal;

export interface S3StoreOptions {
	readonly location: S3Location;
	readonly now: () => Date;
	readonly randomBytes: (bytes: number) => Buffer;
	readonly timing?: S3Timing;
	/** Tests make small objects in parts. */
	readonly smallestPart?: number;
}

/**
 * A store in a bucket of S3, or of a service that speaks its protocol (https://docs.aws.amazon.com/AmazonS3/latest/API/).
 * Conditional writes are not used: locks do without, and many services lack them or ignore the condition silently.
 */
export class S3Store implements Store {
	readonly description: string;
	private readonly requests: S3Requests;
	/** Empty, or ends with a slash. */
	private readonly prefix: string;

	constructor(private readonly options: S3StoreOptions) {
		const { location } = options;
		const prefix = location.prefix.replace(/^\/+|\/+$/g, '');
		if (prefix !== '') requireKey(prefix);
		this.prefix = prefix === '' ? '' : `${prefix}/`;
		const place = location.endpoint === '' ? location.region : new URL(location.endpoint).host;
		this.description = `s3://${location.bucket}/${prefix} at ${place}`;
		this.requests = new S3Requests(location, this.description, options.timing ?? PATIENT, options.randomBytes);
	}

	async put(key: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<number> {
		requireKey(key);
		throwIfAborted(options.signal);
		const { location } = this.requests;
		const lock = options.immutable === true ? wantedLock(location, this.options.now()) : undefined;
		return await this.requests.mapped(doing(`Writing ${key}`, 's3:PutObject'), async () => {
			let written: Uploaded;
			try {
				written = await upload({
					requests: this.requests,
					object: {
						...this.place(key),
						...lock,
						...(options.immutable === true && location.storageClass !== '' && { StorageClass: location.storageClass as 'STANDARD' }),
						...(location.serverSideEncryption !== 'none' && { ServerSideEncryption: location.serverSideEncryption }),
						...(location.serverSideEncryption === 'aws:kms' && location.kmsKeyId !== '' && { SSEKMSKeyId: location.kmsKeyId }),
					},
					source,
					signal: options.signal,
					expectedBytes: options.expectedBytes,
					smallestPart: this.options.smallestPart,
					token: this.options.randomBytes(16).toString('hex'),
					onBytes: options.onBytes,
				});
			} catch (error) {
				if (lock) await refusedForLock(this.requests, error);
				throw error;
			}
			if (lock) {
				try {
					const object = { ...this.place(key), ...(written.versionId !== undefined && { VersionId: written.versionId }) };
					await this.requests.mapped(doing(`Reading the lock of ${key}`, 's3:GetObjectRetention'), () => requireLocked(this.requests, object, key, lock, options));
				} catch (error) {
					await this.remove(key);
					throw error;
				}
			}
			return written.bytes;
		});
	}

	async get(key: string, options: GetOptions): Promise<Readable> {
		requireKey(key);
		throwIfAborted(options.signal);
		const reading = doing(`Reading ${key}`, 's3:GetObject');
		const start = options.start ?? 0;
		const open = async (from: number, etag: string | undefined, signal: AbortSignal): Promise<OpenedObject> => {
			const answer = await this.requests.send({ signal }, (send) =>
				this.requests.client.send(new GetObjectCommand({ ...this.place(key), ...range(from, options.end), ...(etag !== undefined && { IfMatch: etag }) }), send),
			);
			return { body: answer.Body as Readable, bytes: answer.ContentLength ?? 0, etag: answer.ETag };
		};
		const mapError = (error: unknown): BackupError => {
			if (isNotFound(error)) return this.notFound(key);
			if (readFailure(error).status === 412) return this.replaced(key);
			return this.requests.mapError(error, reading);
		};
		try {
			const first = await open(start, undefined, options.signal);
			return new ObjectReader({ first, start, reopen: open, limit: this.requests.downloadLimit, signal: options.signal, retry: this.requests.retryContext(options.signal), mapError });
		} catch (error) {
			if (readFailure(error).status === 416) return Readable.from([]);
			throw mapError(error);
		}
	}

	async stat(key: string): Promise<StoredObject | undefined> {
		requireKey(key);
		return await this.requests.mapped(doing(`Looking for ${key}`, 's3:GetObject and s3:ListBucket'), async () => {
			try {
				const head = await this.requests.send({ signal: NEVER }, (send) => this.requests.client.send(new HeadObjectCommand(this.place(key)), send));
				return { key, bytes: head.ContentLength ?? 0, modifiedAt: head.LastModified ?? new Date(0) };
			} catch (error) {
				if (isNotFound(error)) return undefined;
				throw error;
			}
		});
	}

	async *list(prefix: string): AsyncGenerator<StoredObject, void, void> {
		requirePrefix(prefix);
		yield* this.mappedAll(doing(`Listing ${prefix}`, 's3:ListBucket'), listObjects(this.requests, this.prefix, prefix, NEVER));
	}

	async listFolders(prefix: string): Promise<string[]> {
		requirePrefix(prefix);
		return await this.requests.mapped(doing(`Listing ${prefix}`, 's3:ListBucket'), () => listFolderNames(this.requests, this.prefix, prefix, NEVER));
	}

	/** Where the bucket keeps versions this hides the object; a lifecycle rule of the bucket removes it for good. */
	async remove(key: string): Promise<void> {
		requireKey(key);
		await this.requests.mapped(doing(`Removing ${key}`, 's3:DeleteObject'), async () => {
			try {
				await this.requests.send({ signal: NEVER }, (send) => this.requests.client.send(new DeleteObjectCommand(this.place(key)), send));
			} catch (error) {
				if (!isNotFound(error)) throw error;
			}
		});
	}

	async protection(key: string): Promise<Protection | undefined> {
		requireKey(key);
		return await this.requests.mapped(doing(`Reading the lock of ${key}`, 's3:GetObjectRetention'), () => readProtection(this.requests, this.place(key), this.options.now(), { signal: NEVER }));
	}

	/** A bucket has no size. */
	async freeBytes(): Promise<number | undefined> {
		return undefined;
	}

	/** Uses every right that backups need, but for a lock: an object that is locked could not be removed again. */
	async check(signal: AbortSignal): Promise<void> {
		const limit = AbortSignal.timeout(CHECK_MS);
		const brisk = new S3Store({ ...this.options, timing: this.options.timing ?? BRISK });
		try {
			await brisk.checkAll(AbortSignal.any([signal, limit]));
		} catch (error) {
			if (!limit.aborted || signal.aborted) throw error;
			throw new BackupError('STORE_UNAVAILABLE', `The store (${this.description}) did not answer within ${CHECK_MS / 1000} seconds.`, 'Check the endpoint, the network and the service.');
		}
	}

	async *listUnfinished(prefix: string): AsyncGenerator<StoredObject, void, void> {
		requirePrefix(prefix);
		const doingSo = doing(`Listing unfinished uploads below ${prefix}`, 's3:ListBucketMultipartUploads and s3:ListMultipartUploadParts');
		for await (const { key, bytes, modifiedAt } of this.mappedAll(doingSo, listUploads(this.requests, this.prefix, prefix, NEVER))) yield { key, bytes, modifiedAt };
	}

	async removeUnfinished(prefix: string, olderThan: Date): Promise<StoredObject[]> {
		requirePrefix(prefix);
		return await this.requests.mapped(doing(`Removing unfinished uploads below ${prefix}`, 's3:ListBucketMultipartUploads and s3:AbortMultipartUpload'), () =>
			removeUploads(this.requests, this.prefix, prefix, olderThan, NEVER),
		);
	}

	private async checkAll(signal: AbortSignal): Promise<void> {
		const token = this.options.randomBytes(16).toString('hex');
		const key = `check-${token}`;
		if (this.requests.location.objectLock) {
			await this.requests.mapped(doing('Asking for Object Lock', 's3:GetBucketObjectLockConfiguration'), () => requireLockingBucket(this.requests, { signal }));
		}
		await this.put(key, oneChunk(token), { signal });
		let read = '';
		try {
			read = await text(await this.get(key, { signal }));
			await this.stat(key);
			await this.listFolders('');
			// Stops at the first: a bucket may have many.
			for await (const _ of this.list('')) break;
			for await (const _ of this.listUnfinished('')) break;
		} finally {
			await this.remove(key);
		}
		if (read === token) return;
		throw new BackupError('STORE_UNAVAILABLE', `The store (${this.description}) gave back other bytes than were written.`, 'Do not keep backups there before you know why.');
	}

	private place(key: string): { readonly Bucket: string; readonly Key: string } {
		return { Bucket: this.requests.location.bucket, Key: this.prefix + key };
	}

	private async *mappedAll<T>(doingSo: Doing, items: AsyncIterable<T>): AsyncGenerator<T, void, void> {
		try {
			yield* items;
		} catch (error) {
			throw this.requests.mapError(error, doingSo);
		}
	}

	private notFound(key: string): BackupError {
		return new BackupError('OBJECT_NOT_FOUND', `${key} is not in the store (${this.description}).`, 'It was deleted, or never written. List the backups to see what there is.');
	}

	private replaced(key: string): BackupError {
		return new BackupError('STORE_UNAVAILABLE', `${key} in the store (${this.description}) was replaced while it was being read.`, 'Run the job again. If it happens again, somebody else writes into this store.');
	}
}

function doing(what: string, permission: string): Doing {
	return { what, permission };
}

/** No header for a whole object: some services answer a range differently, and an empty object has none. */
function range(start: number, end: number | undefined): { readonly Range?: string } {
	return start === 0 && end === undefined ? {} : { Range: `bytes=${start}-${end ?? ''}` };
}

async function* oneChunk(content: string): AsyncGenerator<Uint8Array, void, void> {
	yield Buffer.from(content);
}
