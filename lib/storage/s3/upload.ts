import {
	AbortMultipartUploadCommand,
	CompleteMultipartUploadCommand,
	type CompletedPart,
	CreateMultipartUploadCommand,
	HeadObjectCommand,
	PutObjectCommand,
	type PutObjectCommandInput,
	UploadPartCommand,
} from '@aws-sdk/client-s3';
import { abortable } from '../../core/abortable';
import { BackupError, toBackupError } from '../../core/errors';
import { cutParts, type Part, PartBuffers } from './cut-parts';
import { MAX_PARTS, largestObject, partsAtOnce, partSizes } from './part-sizes';
import type { S3Requests } from './requests';
import { isNoSuchUpload } from './transient';

/** How long the clean-up after a failure may take; the job itself may have been cancelled already. */
const CLEAN_UP_MS = 30_000;
/** Metadata by which a finished upload is known for the one that we began. */
const TOKEN = 'backup-recovery-upload';

export interface Upload {
	readonly requests: S3Requests;
	/** Bucket, key and what the object is written with. */
	readonly object: Pick<PutObjectCommandInput, 'StorageClass' | 'ServerSideEncryption' | 'SSEKMSKeyId' | 'ObjectLockMode' | 'ObjectLockRetainUntilDate'> & { readonly Bucket: string; readonly Key: string };
	readonly source: AsyncIterable<Uint8Array>;
	readonly signal: AbortSignal;
	readonly expectedBytes?: number;
	readonly smallestPart: number | undefined;
	/** Random, so that no two uploads have the same. */
	readonly token: string;
	readonly onBytes?: (total: number) => void;
}

export interface Uploaded {
	readonly bytes: number;
	/** Where the bucket keeps versions. */
	readonly versionId: string | undefined;
}

/** Writes an object: in one request when it is small, else in parts, which S3 makes an object of only when all are there. */
export async function upload(task: Upload): Promise<Uploaded> {
	let bytes = 0;
	const failed = new AbortController();
	const signal = AbortSignal.any([task.signal, failed.signal]);
	const counted = async function* () {
		for await (const chunk of abortable(ownErrors(task.source), signal)) {
			bytes += chunk.byteLength;
			yield chunk;
			task.onBytes?.(bytes);
		}
	};
	const buffers = new PartBuffers();
	const parts = cutParts(counted(), partSizes(task.expectedBytes, task.smallestPart), buffers);
	try {
		const first = await parts.next();
		if (first.done) throw new Error('there is always a first part');
		if (first.value.last) return { versionId: await putWhole(task, first.value.body), bytes };
		const multipart = new MultipartUpload({ ...task, signal }, buffers, (error) => failed.abort(error));
		return { versionId: await multipart.run(first.value, parts), bytes };
	} finally {
		// Ends the source; after an abort `abortable` waits for nobody.
		if (!failed.signal.aborted) failed.abort();
		await parts.return();
	}
}

async function putWhole({ requests, object, signal }: Upload, body: Buffer): Promise<string | undefined> {
	const answer = await requests.send({ signal, bytes: body.length }, (options) => requests.client.send(new PutObjectCommand({ ...object, Body: body, ContentLength: body.length }), options));
	return answer.VersionId;
}

class MultipartUpload {
	private readonly inFlight = new Set<Promise<void>>();
	private readonly done: CompletedPart[] = [];
	private firstFailure: BackupError | undefined;

	constructor(
		private readonly task: Upload,
		private readonly buffers: PartBuffers,
		private readonly stop: (error: BackupError) => void,
	) {}

	/** @returns the version's id, where the bucket keeps versions */
	async run(first: Part, rest: AsyncIterable<Part>): Promise<string | undefined> {
		const { requests, object, signal, token } = this.task;
		// What is left of one whose answer was lost is found by `listUnfinished`.
		const { UploadId } = await requests.send({ signal }, (options) => requests.client.send(new CreateMultipartUploadCommand({ ...object, Metadata: { [TOKEN]: token } }), options));
		const id = { Bucket: object.Bucket, Key: object.Key, UploadId };
		try {
			await this.launch(first, id);
			for await (const part of rest) {
				if (part.number > MAX_PARTS) throw tooLarge(this.task);
				await this.launch(part, id);
			}
			await Promise.all(this.inFlight);
			return await this.complete(id);
		} catch (error) {
			const failure = this.firstFailure ?? error;
			this.stop(toBackupError(failure));
			await Promise.allSettled(this.inFlight);
			await this.abandon(id);
			throw failure;
		}
	}

	/** Begins to send a part, and waits until there is memory for the next one. */
	private async launch(part: Part, id: UploadPlace): Promise<void> {
		const sending = this.send(part, id)
			.catch((error: unknown) => {
				this.firstFailure ??= this.task.requests.mapError(error, { what: `Writing part ${part.number} of ${this.task.object.Key}`, permission: 's3:PutObject' });
				this.stop(this.firstFailure);
				throw this.firstFailure;
			})
			.finally(() => this.inFlight.delete(sending));
		this.inFlight.add(sending);
		// Its failure stops the source, and with it whoever waits; nobody may be waiting for this part at the moment.
		sending.catch(() => undefined);
		while (!part.last && this.inFlight.size > partsAtOnce(part.body.length)) await Promise.race(this.inFlight);
	}

	private async send(part: Part, id: UploadPlace): Promise<void> {
		const { requests, signal } = this.task;
		const answer = await requests.send({ signal, bytes: part.body.length }, (options) =>
			requests.client.send(new UploadPartCommand({ ...id, PartNumber: part.number, Body: part.body, ContentLength: part.body.length }), options),
		);
		this.done.push({ PartNumber: part.number, ETag: answer.ETag, ...(answer.ChecksumCRC32 !== undefined && { ChecksumCRC32: answer.ChecksumCRC32 }) });
		this.buffers.giveBack(part.body);
	}

	private async complete(id: UploadPlace): Promise<string | undefined> {
		const { requests, signal } = this.task;
		const Parts = this.done.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
		try {
			const answer = await requests.send({ signal }, (options) => requests.client.send(new CompleteMultipartUploadCommand({ ...id, MultipartUpload: { Parts } }), options));
			return answer.VersionId;
		} catch (error) {
			const landed = await this.findLanded();
			if (landed) return landed.versionId;
			throw error;
		}
	}

	/** Whether the object is there although the answer said otherwise, or was lost: a request tried again finds its upload gone. */
	private async findLanded(): Promise<{ readonly versionId: string | undefined } | undefined> {
		const { requests, object, token } = this.task;
		try {
			const signal = AbortSignal.timeout(CLEAN_UP_MS);
			const head = await requests.send({ signal }, (options) => requests.client.send(new HeadObjectCommand({ Bucket: object.Bucket, Key: object.Key }), options));
			return head.Metadata?.[TOKEN] === token ? { versionId: head.VersionId } : undefined;
		} catch {
			// The first error is the one to report.
			return undefined;
		}
	}

	private async abandon(id: UploadPlace): Promise<void> {
		const { requests } = this.task;
		try {
			const signal = AbortSignal.timeout(CLEAN_UP_MS);
			await requests.send({ signal }, (options) => requests.client.send(new AbortMultipartUploadCommand(id), options));
		} catch (error) {
			if (isNoSuchUpload(error)) return;
			// The first error is the one to report; what stays is invisible, and the clean-up finds it.
		}
	}
}

interface UploadPlace {
	readonly Bucket: string;
	readonly Key: string;
	readonly UploadId: string | undefined;
}

function tooLarge({ requests, object, expectedBytes }: Upload): BackupError {
	return new BackupError(
		'STORE_FULL',
		`${object.Key} is larger than the ${largestObject(expectedBytes)} bytes that the store (${requests.description}) can take as one object.`,
		'Back up less at once, e.g. a part of the folders or of the schemas.',
	);
}

/** Keeps an error of the source from being taken for one of the store. */
async function* ownErrors(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
	try {
		yield* source;
	} catch (error) {
		throw toBackupError(error);
	}
}
