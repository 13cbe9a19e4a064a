import { GetObjectLockConfigurationCommand, GetObjectRetentionCommand, HeadObjectCommand, type ObjectLockMode } from '@aws-sdk/client-s3';
import { BackupError } from '../../core/errors';
import type { Protection } from '../store';
import type { Request, S3Requests } from './requests';
import type { S3Location } from './settings';
import { isNotFound, readFailure } from './transient';

const DAY_MS = 86_400_000;
/** Servers keep the time in whole seconds. */
const ROUNDING_MS = 1000;
/** For the question why a write was refused. */
const ASK_MS = 15_000;

/** What is asked for when an object is written. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html */
export interface WantedLock {
	readonly ObjectLockMode: ObjectLockMode;
	readonly ObjectLockRetainUntilDate: Date;
}

export function wantedLock({ objectLock }: S3Location, now: Date): WantedLock | undefined {
	if (objectLock === null) return undefined;
	return {
		ObjectLockMode: objectLock.mode === 'governance' ? 'GOVERNANCE' : 'COMPLIANCE',
		ObjectLockRetainUntilDate: new Date(now.getTime() + objectLock.days * DAY_MS),
	};
}

/**
 * Asks the server for the lock of an object just written: some services take the request for one and silently forget it.
 * @throws BackupError `OBJECT_NOT_LOCKED`
 */
export async function requireLocked(requests: S3Requests, object: { Bucket: string; Key: string; VersionId?: string }, key: string, wanted: WantedLock, request: Request): Promise<void> {
	let found;
	try {
		found = (await requests.send(request, (options) => requests.client.send(new GetObjectRetentionCommand(object), options))).Retention;
	} catch (error) {
		if (!saysWithoutLock(error)) throw error;
	}
	const until = found?.RetainUntilDate;
	if (found?.Mode === wanted.ObjectLockMode && until !== undefined && until.getTime() >= wanted.ObjectLockRetainUntilDate.getTime() - ROUNDING_MS) return;
	const state = found === undefined ? 'has no lock' : `is locked in mode ${found.Mode ?? 'unknown'} until ${until?.toISOString() ?? 'an unknown time'}`;
	throw notLocked(`${key} was written to the store (${requests.description}), but it ${state}: the service ignores Object Lock or changes it`);
}

/** @throws BackupError `OBJECT_NOT_LOCKED` unless the bucket takes locks */
export async function requireLockingBucket(requests: S3Requests, request: Request): Promise<void> {
	const { bucket } = requests.location;
	try {
		const answer = await requests.send(request, (options) => requests.client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }), options));
		if (answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled') return;
	} catch (error) {
		if (!saysWithoutLock(error)) throw error;
	}
	throw notLocked(`The bucket "${bucket}" was made without Object Lock, or the service has none`);
}

/** After a write with a lock was refused: services do not say plainly that it was for the lock, so the bucket is asked. @throws BackupError `OBJECT_NOT_LOCKED` if so */
export async function refusedForLock(requests: S3Requests, error: unknown): Promise<void> {
	const { status } = readFailure(error);
	if (status !== 400 && status !== 501) return;
	try {
		await requireLockingBucket(requests, { signal: AbortSignal.timeout(ASK_MS) });
	} catch (answer) {
		// Any other trouble says nothing of locks: then the refusal itself is the error.
		if (answer instanceof BackupError && answer.code === 'OBJECT_NOT_LOCKED') throw answer;
	}
}

/** Whether the server says that it has no lock, as opposed to failing. */
function saysWithoutLock(error: unknown): boolean {
	const { name, message, status } = readFailure(error);
	return (
		['ObjectLockConfigurationNotFoundError', 'NoSuchObjectLockConfiguration', 'NotImplemented', 'MethodNotAllowed', 'InvalidBucketState'].includes(name) ||
		(status === 400 && /lock|retention/i.test(`${name} ${message}`)) ||
		(status === 404 && name !== 'NoSuchBucket')
	);
}

function notLocked(what: string): BackupError {
	return new BackupError(
		'OBJECT_NOT_LOCKED',
		`${what}.`,
		'Use a bucket that was created with Object Lock (it also switches on versioning) on a service that has it, or switch Object Lock off in the credential. Nothing was published.',
	);
}

/** Until when nobody can delete an object for good. Needs `s3:GetObjectRetention`: without it S3 keeps silent about locks. */
export async function readProtection(requests: S3Requests, object: { Bucket: string; Key: string }, now: Date, request: Request): Promise<Protection | undefined> {
	try {
		const head = await requests.send(request, (options) => requests.client.send(new HeadObjectCommand(object), options));
		if (head.ObjectLockLegalHoldStatus === 'ON') return { until: null };
		const until = head.ObjectLockRetainUntilDate;
		return until !== undefined && until > now ? { until } : undefined;
	} catch (error) {
		if (isNotFound(error)) return undefined;
		throw error;
	}
}
