import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, ListObjectsV2Command, ListPartsCommand } from '@aws-sdk/client-s3';
import { isPlainPart } from '../key';
import type { StoredObject } from '../store';
import type { S3Requests } from './requests';
import { isNoSuchUpload, isNotFound, readFailure } from './transient';

/** An upload in parts that was begun and neither finished nor given up. */
interface FoundUpload extends StoredObject {
	readonly uploadId: string;
}

/** All objects below `prefix`, page by page. What a store's key cannot name, such as the empty objects that consoles make for folders, is none of ours. */
export async function* listObjects(requests: S3Requests, root: string, prefix: string, signal: AbortSignal): AsyncGenerator<StoredObject, void, void> {
	let ContinuationToken: string | undefined;
	do {
		const token = ContinuationToken;
		const page = await requests.send({ signal }, (send) =>
			requests.client.send(new ListObjectsV2Command({ Bucket: requests.location.bucket, Prefix: root + prefix, ContinuationToken: token }), send),
		);
		for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
			const key = Key.slice(root.length);
			if (key.split('/').every(isPlainPart)) yield { key, bytes: Size, modifiedAt: LastModified };
		}
		ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
	} while (ContinuationToken !== undefined);
}

/** The names directly below `prefix` that have something below them, be it only an unfinished upload: otherwise nobody would find that. */
export async function listFolderNames(requests: S3Requests, root: string, prefix: string, signal: AbortSignal): Promise<string[]> {
	const { bucket: Bucket } = requests.location;
	const names = new Set<string>();
	const add = (key: string) => {
		const [name = '', ...below] = key.slice(root.length + prefix.length).split('/');
		if (below.length > 0 && isPlainPart(name)) names.add(name);
	};
	let ContinuationToken: string | undefined;
	do {
		const token = ContinuationToken;
		const page = await requests.send({ signal }, (send) =>
			requests.client.send(new ListObjectsV2Command({ Bucket, Prefix: root + prefix, Delimiter: '/', ContinuationToken: token }), send),
		);
		for (const { Prefix = '' } of page.CommonPrefixes ?? []) add(Prefix);
		ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
	} while (ContinuationToken !== undefined);
	try {
		// Without a delimiter: Ceph then leaves everything out. There are few of them anyway.
		for await (const page of uploadPages(requests, { Bucket, Prefix: root + prefix }, signal)) for (const { Key = '' } of page.Uploads ?? []) add(Key);
	} catch (error) {
		// Who may only read, or uses a service without this list, needs it for nothing; the clean-up itself says what is missing.
		const { name, status } = readFailure(error);
		if (status !== 403 && status !== 501 && name !== 'NotImplemented') throw error;
	}
	return [...names].sort();
}

/** Uploads below `prefix` that are not finished; `bytes` is what their parts have so far. */
export async function* listUploads(requests: S3Requests, root: string, prefix: string, signal: AbortSignal): AsyncGenerator<FoundUpload, void, void> {
	const where = { Bucket: requests.location.bucket, Prefix: root + prefix };
	for await (const page of uploadPages(requests, where, signal)) {
		for (const { Key = '', UploadId = '', Initiated = new Date(0) } of page.Uploads ?? []) {
			const key = Key.slice(root.length);
			if (!key.split('/').every(isPlainPart)) continue;
			const bytes = await uploadedBytes(requests, { Bucket: where.Bucket, Key, UploadId }, signal);
			if (bytes !== undefined) yield { key, bytes, modifiedAt: Initiated, uploadId: UploadId };
		}
	}
}

/** Gives up the uploads begun before `olderThan`. */
export async function removeUploads(requests: S3Requests, root: string, prefix: string, olderThan: Date, signal: AbortSignal): Promise<StoredObject[]> {
	const removed: StoredObject[] = [];
	for await (const { uploadId, ...found } of listUploads(requests, root, prefix, signal)) {
		if (found.modifiedAt >= olderThan) continue;
		const upload = { Bucket: requests.location.bucket, Key: root + found.key, UploadId: uploadId };
		try {
			await requests.send({ signal }, (send) => requests.client.send(new AbortMultipartUploadCommand(upload), send));
		} catch (error) {
			// Its owner, or another clean-up, was faster.
			if (!isNoSuchUpload(error) && !isNotFound(error)) throw error;
		}
		removed.push(found);
	}
	return removed;
}

async function* uploadPages(requests: S3Requests, where: { Bucket: string; Prefix: string }, signal: AbortSignal) {
	let next: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
	while (next !== undefined) {
		const from: { KeyMarker?: string; UploadIdMarker?: string } = next;
		const page = await requests.send({ signal }, (send) => requests.client.send(new ListMultipartUploadsCommand({ ...where, ...from }), send));
		yield page;
		next = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined;
	}
}

/** `undefined` when the upload has ended meanwhile. */
async function uploadedBytes(requests: S3Requests, upload: { Bucket: string; Key: string; UploadId: string }, signal: AbortSignal): Promise<number | undefined> {
	let bytes = 0;
	let PartNumberMarker: string | undefined;
	try {
		do {
			const marker = PartNumberMarker;
			const page = await requests.send({ signal }, (send) => requests.client.send(new ListPartsCommand({ ...upload, PartNumberMarker: marker }), send));
			for (const { Size = 0 } of page.Parts ?? []) bytes += Size;
			PartNumberMarker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
		} while (PartNumberMarker !== undefined);
		return bytes;
	} catch (error) {
		if (isNoSuchUpload(error) || isNotFound(error)) return undefined;
		throw error;
	}
}
