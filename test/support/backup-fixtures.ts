import type { Component } from '../../lib/catalog/component';
import { artifactKey, manifestKey, verificationKey } from '../../lib/catalog/layout';
import type { Manifest, ManifestWithoutDigest } from '../../lib/catalog/manifest';
import { sealManifest } from '../../lib/catalog/manifest-digest';
import { writeSmallObject } from '../../lib/catalog/small-object';
import type { BackupSummary } from '../../lib/catalog/summary';
import type { VerificationCheck } from '../../lib/catalog/verification';
import type { Store } from '../../lib/storage/store';
import { chunks } from './bytes';

export const SOURCE = { type: 'postgres' as const, name: 'crm', host: 'db', port: 5432, serverVersion: '15.14', serverMajor: 15 };

export const NEVER = new AbortController().signal;

let counter = 0;

/** An id like those of real backups, distinct from all others of the test run. */
export function idAt(moment: string, kind = 'full'): string {
	const time = new Date(moment).toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
	return `${time}-${kind}-${(counter++).toString(36).padStart(6, '0')}`;
}

export function manifestOf(changes: Partial<ManifestWithoutDigest> = {}): Manifest {
	const startedAt = changes.startedAt ?? '2026-11-22T02:00:00.000Z';
	return sealManifest({
		formatVersion: 1,
		id: idAt(startedAt),
		component: 'postgres',
		kind: 'full',
		status: 'success',
		startedAt,
		finishedAt: startedAt,
		durationSeconds: 1,
		createdBy: { name: 'n8n-nodes-backup-recovery', version: '0.1.0', host: 'h' },
		source: SOURCE,
		parent: null,
		sourceBytes: 5,
		storedBytes: 5,
		artifacts: [
			{
				name: 'database.dump',
				role: 'dump',
				mediaType: 'application/octet-stream',
				sourceBytes: 5,
				sourceSha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
				storedBytes: 5,
				storedSha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
				compression: { algorithm: 'none' },
			},
		],
		warnings: [],
		...changes,
	});
}

export function check(changes: Partial<VerificationCheck> = {}): VerificationCheck {
	return { level: 'restore', passed: true, at: '2026-11-22T03:00:00.000Z', durationSeconds: 1, detail: 'all tables equal', ...changes };
}

/** Puts a small published backup into the store, artifact and all. */
export async function publishSmall(store: Store, changes: Partial<ManifestWithoutDigest> = {}, checks: VerificationCheck[] = []): Promise<Manifest> {
	const manifest = manifestOf(changes);
	await store.put(artifactKey(manifest.component, manifest.id, 'database.dump'), chunks('hello'), { signal: NEVER });
	if (checks.length > 0) {
		const verification = { formatVersion: 1, backup: manifest.id, checks };
		await writeSmallObject(store, verificationKey(manifest.component, manifest.id), verification, { signal: NEVER });
	}
	await writeSmallObject(store, manifestKey(manifest.component, manifest.id), manifest, { signal: NEVER });
	return manifest;
}

export async function putText(store: Store, key: string, text: string): Promise<void> {
	await store.put(key, chunks(text), { signal: NEVER });
}

export function summaryOf(changes: Partial<BackupSummary> = {}): BackupSummary {
	const startedAt = changes.startedAt ?? '2026-11-22T02:00:00.000Z';
	const component: Component = changes.component ?? 'postgres';
	return {
		id: idAt(startedAt, changes.kind ?? 'full'),
		component,
		kind: 'full',
		status: 'success',
		source: 'crm',
		startedAt,
		finishedAt: startedAt,
		durationSeconds: 1,
		sourceBytes: 5,
		storedBytes: 5,
		store: 'memory',
		files: ['database.dump'],
		verified: null,
		parent: null,
		warnings: [],
		copies: [],
		...changes,
	};
}
