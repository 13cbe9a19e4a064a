import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { recoveryPointKey } from './layout';
import { RECOVERY_POINT_FORMAT_VERSION, type RecoveryPoint, recoveryPointDigest, recoveryPointSchema } from './recovery-point';
import { NEVER_ABORTED, readSmallObject } from './small-object';

/** A recovery point and the very bytes it was read from. */
export interface FoundRecoveryPoint {
	readonly point: RecoveryPoint;
	readonly text: string;
}

/**
 * @returns `undefined` where there is none
 * @throws BackupError `MANIFEST_INVALID`, `MANIFEST_TOO_NEW`, or the store's error
 */
export async function readRecoveryPoint(store: Store, id: string, signal = NEVER_ABORTED): Promise<FoundRecoveryPoint | undefined> {
	const text = await readSmallObject(store, recoveryPointKey(id), signal);
	return text === undefined ? undefined : { point: parseRecoveryPoint(text, id), text };
}

function parseRecoveryPoint(text: string, id: string): RecoveryPoint {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw invalid(id, 'it is not valid JSON', error);
	}
	if (typeof value !== 'object' || value === null) throw invalid(id, 'it is not a JSON object');
	const version = 'formatVersion' in value ? value.formatVersion : undefined;
	if (typeof version === 'number' && version > RECOVERY_POINT_FORMAT_VERSION) {
		throw new BackupError(
			'MANIFEST_TOO_NEW',
			`Recovery point ${id} has format version ${version}; this version of the package reads up to ${RECOVERY_POINT_FORMAT_VERSION}.`,
			'Upgrade n8n-nodes-backup-recovery to the version that wrote it, or newer. Its backups are untouched.',
		);
	}
	const parsed = recoveryPointSchema.safeParse(value);
	if (!parsed.success) throw invalid(id, `${parsed.error.issues[0]?.path.map(String).join('.') ?? ''}: ${parsed.error.issues[0]?.message ?? 'it does not fit the format'}`);
	if (recoveryPointDigest({ ...value }) !== parsed.data.digest) throw invalid(id, 'its digest does not fit its contents');
	if (parsed.data.id !== id) throw invalid(id, `it is that of ${parsed.data.id}`);
	return parsed.data;
}

function invalid(id: string, problem: string, cause?: unknown): BackupError {
	return new BackupError(
		'MANIFEST_INVALID',
		`The manifest of recovery point ${id} cannot be used: ${problem}.`,
		'It was damaged or changed by hand. The backups that it named are not harmed: choose them one by one.',
		{ cause },
	);
}
