import { randomBytes } from 'node:crypto';
import { S3Store } from '../../lib/storage/s3/s3-store';
import type { S3Timing } from '../../lib/storage/s3/requests';
import { type S3Location, s3LocationSchema } from '../../lib/storage/s3/settings';
import type { S3Server } from './s3-server';
import { s3Missing } from './ceph-daemons';

/** Like the real one, but nobody waits for long. */
export const QUICK: S3Timing = { attempts: 4, firstWaitMs: 5, longestWaitMs: 20, connectMs: 1000, idleMs: 1000, answerMs: 5000 };

/** `describe`, or where the S3 server cannot run a skipped one that says why. */
export function describeWithS3(name: string, body: () => void): void {
	const missing = s3Missing();
	if (missing === undefined) describe(name, body);
	else describe.skip(`${name} (skipped, no S3 server: ${missing})`, body);
}

/** A place on the server for a credential or a job; `endpoint` may be that of a proxy before it. */
export function s3Location(server: Pick<S3Server, 'endpoint' | 'region' | 'accessKeyId' | 'secretAccessKey'>, bucket: string, overrides: Partial<S3Location> = {}): S3Location {
	const { endpoint, region, accessKeyId, secretAccessKey } = server;
	return s3LocationSchema.parse({ type: 's3', bucket, endpoint, region, forcePathStyle: true, credentials: { from: 'keys', accessKeyId, secretAccessKey }, ...overrides });
}

export function s3Store(location: S3Location, timing: S3Timing = QUICK, smallestPart?: number): S3Store {
	return new S3Store({ location, timing, smallestPart, now: () => new Date(), randomBytes: (bytes) => randomBytes(bytes) });
}
