import { BackupError } from '../core/errors';
import { readBackupId } from './backup-id';
import type { Component } from './component';
import type { Copies } from './copies';
import type { Manifest } from './manifest';
import type { BackupSummary } from './summary';
import type { Verification } from './verification';
import { judgeChecks } from './verified-state';

/** What lists show of a backup. */
export function summarize(manifest: Manifest, verification: Verification | undefined, storeDescription: string, copies?: Copies): BackupSummary {
	const { verified, failure } = judgeChecks(verification?.checks ?? []);
	return {
		id: manifest.id,
		component: manifest.component,
		kind: manifest.kind,
		status: failure ? 'damaged' : 'success',
		...(failure && { problem: `The ${failure.level} check of ${failure.at} failed: ${failure.detail}`, problemSince: failure.at }),
		source: manifest.source.name,
		startedAt: manifest.startedAt,
		finishedAt: manifest.finishedAt,
		durationSeconds: manifest.durationSeconds,
		sourceBytes: manifest.sourceBytes,
		storedBytes: manifest.storedBytes,
		store: storeDescription,
		files: manifest.artifacts.map((artifact) => artifact.name),
		verified,
		parent: manifest.parent,
		warnings: manifest.warnings,
		copies: (copies?.copies ?? []).map(({ store, origin, copiedAt, checkedAt }) => ({ store, origin, copiedAt, checkedAt })),
	};
}

/** The same for a backup whose manifest cannot be read: what its id and place tell. */
export function summarizeUnreadable(id: string, component: Component, problem: BackupError, storeDescription: string): BackupSummary {
	const known = readBackupId(id);
	const startedAt = (known?.startedAt ?? new Date(0)).toISOString();
	return {
		id,
		component,
		kind: known?.kind ?? 'partial',
		status: 'damaged',
		problem: `${problem.message} ${problem.hint}`,
		unreadable: true,
		source: '',
		startedAt,
		finishedAt: startedAt,
		durationSeconds: 0,
		sourceBytes: 0,
		storedBytes: 0,
		store: storeDescription,
		files: [],
		verified: null,
		parent: null,
		warnings: [],
		copies: [],
	};
}
