import { createHash } from 'node:crypto';
import type { BackupKind, Component } from './component';

const SLUG_LENGTH = 40;

/**
 * Names the backups that replace each other over time: same component, kind and source.
 * The source's name may hold anything, so it becomes a readable slug and a short hash that tells similar ones apart.
 * Usable as an object name.
 */
export function seriesOf(backup: { readonly component: Component; readonly kind: BackupKind; readonly source: string }): string {
	const slug = backup.source
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, '-')
		.replace(/^-+|-+$/g, '')
		.slice(0, SLUG_LENGTH);
	const hash = createHash('sha256').update(backup.source).digest('hex').slice(0, 8);
	return `${backup.component}.${backup.kind}.${slug === '' ? hash : `${slug}-${hash}`}`;
}
