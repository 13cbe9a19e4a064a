import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withBackupInUse } from '../backup/use-backup';
import { type BackupChoice, findBackup } from '../catalog/find-backup';
import { sourceOf } from '../catalog/source-of';
import type { BackupSummary } from '../catalog/summary';
import type { JobContext } from '../core/context';
import { BackupError, throwIfAborted } from '../core/errors';
import type { Store } from '../storage/store';
import { ARTIFACTS, requiredArtifact } from './artifacts';
import { fetchArtifact } from './fetch-artifact';
import { sqliteInstance } from './instance-database';
import { requiredDetails } from './prove-sqlite';
import { withSqlite } from './sqlite-database';

export interface ExportWorkflowsOptions {
	readonly store: Store;
	readonly backup: BackupChoice;
	/** An existing folder; nothing in it is overwritten. */
	readonly folder: string;
	/** Ids or exact names; empty: all. */
	readonly workflows: readonly string[];
}

export interface ExportedWorkflow {
	readonly id: string;
	readonly name: string;
	readonly file: string;
}

const TEXT_COLUMNS = ['id', 'name'] as const;
const JSON_COLUMNS = ['nodes', 'connections', 'settings', 'staticData', 'pinData', 'meta'] as const;

/**
 * Writes workflows of a backup as the JSON files that n8n imports (`n8n import:workflow --separate`, or by hand in the editor). They
 * name their credentials by id and hold none; they arrive deactivated.
 */
export async function exportWorkflows(options: ExportWorkflowsOptions, context: JobContext): Promise<{ backup: BackupSummary; workflows: ExportedWorkflow[] }> {
	const { store } = options;
	const { manifest, summary } = await findBackup(store, { component: 'n8n', choice: options.backup });
	if (sourceOf(manifest, 'n8n').database !== 'sqlite') {
		throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} is of an n8n on PostgreSQL: single workflows cannot be taken out of its dump.`, 'Restore it into a new database, start an n8n on that, and export there.');
	}
	return await withBackupInUse(store, context, manifest, async (signal) => {
		const held = { ...context, signal };
		const file = join(context.workFolder, 'n8n-export.sqlite');
		try {
			await fetchArtifact(store, manifest, requiredArtifact(manifest, ARTIFACTS.sqlite), file, held);
			const table = `${requiredDetails(manifest).tablePrefix}workflow_entity`;
			return { backup: summary, workflows: await writeWorkflows(file, table, options, held) };
		} finally {
			await rm(file, { force: true });
		}
	});
}

async function writeWorkflows(database: string, table: string, options: ExportWorkflowsOptions, context: JobContext): Promise<ExportedWorkflow[]> {
	const wanted = new Set(options.workflows);
	const missing = new Set(options.workflows);
	const written: ExportedWorkflow[] = [];
	await withSqlite(database, { readOnly: true }, async (open) => {
		for await (const row of sqliteInstance(open, database).rows(table, [...TEXT_COLUMNS, ...JSON_COLUMNS])) {
			throwIfAborted(context.signal);
			const [id, name] = [String(row.id), String(row.name)];
			if (wanted.size > 0 && !wanted.has(id) && !wanted.has(name)) continue;
			missing.delete(id);
			missing.delete(name);
			const file = join(options.folder, fileName(name, id));
			const parts = JSON_COLUMNS.filter((column) => typeof row[column] === 'string').map((column) => [column, JSON.parse(String(row[column])) as unknown]);
			await writeNew(file, `${JSON.stringify({ id, name, active: false, ...Object.fromEntries(parts) as object }, null, 2)}\n`);
			written.push({ id, name, file });
		}
	});
	if (missing.size > 0) {
		for (const { file } of written) await rm(file);
		throw new BackupError('INVALID_INPUT', `The backup holds no workflow ${[...missing].map((each) => JSON.stringify(each)).join(', ')}.`, 'Give the id or the exact name. Without any, all workflows are exported.');
	}
	return written;
}

/** Names come from the backup and may hold anything: only harmless letters go into a path. */
function fileName(name: string, id: string): string {
	const plain = (text: string) => text.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 80);
	return `${[plain(name), plain(id)].filter((part) => part !== '').join('.') || 'workflow'}.json`;
}

async function writeNew(file: string, content: string): Promise<void> {
	try {
		await writeFile(file, content, { flag: 'wx', mode: 0o600 });
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code;
		throw new BackupError('INVALID_INPUT', code === 'EEXIST' ? `${file} already exists.` : `${file} cannot be written (${code ?? 'unknown reason'}).`, 'Name an existing, empty folder that this user may write.', { cause: error });
	}
}
