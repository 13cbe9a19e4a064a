import type { ILoadOptionsFunctions, INodeListSearchItems, INodeListSearchResult, INodePropertyOptions } from 'n8n-workflow';
import { BackupError, toBackupError } from '../../lib/core/errors';
import { BACKUP_KINDS, type BackupKind, type Component } from '../../lib/catalog/component';
import type { BackupSummary } from '../../lib/catalog/summary';
import { FILE_COMPONENTS } from '../../lib/jobs/schema/files-jobs';
import { tableValue } from './name-lists';
import { nodeError } from './node-error';
import { lookupSources, runLookup } from './run-node-job';

/** What a swap, or undoing one, calls the database that it sets aside. */
const SET_ASIDE = /_(before|undone)_\d/;

/** What the drop-downs of all nodes list; each entry comes from the real server or store. */
export const listSearch = {
	searchDatabases: async function (this: ILoadOptionsFunctions, filter?: string): Promise<INodeListSearchResult> {
		return await reported(this, async () => {
			const { databases } = await runLookup<'postgres.listDatabases'>({
				kind: 'postgres.listDatabases',
				connection: await lookupSources(this).connection(),
			});
			return { results: matching(databases.map((name) => ({ name, value: name })), filter) };
		});
	},
	searchBackups: async function (this: ILoadOptionsFunctions, filter?: string): Promise<INodeListSearchResult> {
		return await searchBackupsOfKinds(this, ['full', 'partial', 'safety'], filter, 'postgres');
	},
	searchAllBackups: async function (this: ILoadOptionsFunctions, filter?: string): Promise<INodeListSearchResult> {
		return await searchBackupsOfKinds(this, BACKUP_KINDS, filter);
	},
	searchFileBackups: async function (this: ILoadOptionsFunctions, filter?: string): Promise<INodeListSearchResult> {
		const component = FILE_COMPONENTS.find((known) => known === this.getCurrentNodeParameter('component'));
		return await searchBackupsOfKinds(this, ['full', 'incremental'], filter, component ?? 'files');
	},
	searchRedisBackups: async function (this: ILoadOptionsFunctions, filter?: string): Promise<INodeListSearchResult> {
		return await searchBackupsOfKinds(this, ['full'], filter, 'redis');
	},
	searchGlobals: async function (this: ILoadOptionsFunctions, filter?: string): Promise<INodeListSearchResult> {
		return await searchBackupsOfKinds(this, ['globals'], filter, 'postgres');
	},
	searchBaseBackups: async function (this: ILoadOptionsFunctions, filter?: string): Promise<INodeListSearchResult> {
		return await searchBackupsOfKinds(this, ['base', 'incremental'], filter, 'postgres');
	},
	searchN8nBackups: async function (this: ILoadOptionsFunctions, filter?: string): Promise<INodeListSearchResult> {
		return await searchBackupsOfKinds(this, ['full'], filter, 'n8n');
	},
	searchPrevious: async function (this: ILoadOptionsFunctions, filter?: string): Promise<INodeListSearchResult> {
		return await reported(this, async () => {
			const { databases } = await runLookup<'postgres.listDatabases'>({
				kind: 'postgres.listDatabases',
				connection: await lookupSources(this).connection(),
			});
			const kept = databases.filter((name) => SET_ASIDE.test(name));
			return { results: matching(kept.map((name) => ({ name, value: name })), filter) };
		});
	},
};

export const loadOptions = {
	getSchemas: async function (this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
		return await reported(this, async () => {
			const { schemas } = await runLookup<'postgres.listSchemas'>({
				kind: 'postgres.listSchemas',
				connection: await lookupSources(this).connection(),
				database: chosenDatabase(this),
			});
			return schemas.map((name) => ({ name, value: name }));
		});
	},
	getTables: async function (this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
		return await reported(this, async () => {
			const { tables } = await runLookup<'postgres.listTables'>({
				kind: 'postgres.listTables',
				connection: await lookupSources(this).connection(),
				database: chosenDatabase(this),
			});
			return tables.map((table) => ({ name: `${table.schema}.${table.name}`, value: tableValue(table) }));
		});
	},
};

async function searchBackupsOfKinds(
	context: ILoadOptionsFunctions,
	kinds: readonly BackupKind[],
	filter: string | undefined,
	component?: Component,
): Promise<INodeListSearchResult> {
	return await reported(context, async () => {
		const { backups } = await runLookup<'catalog.list'>({ kind: 'catalog.list', store: await lookupSources(context).store(), component });
		const entries = backups
			.filter((backup) => kinds.includes(backup.kind))
			.map((backup) => ({ name: describeBackup(backup), value: backup.id }));
		return { results: matching(entries, filter) };
	});
}

/** One line for a drop-down, e.g. `2026-11-22 02:00 UTC | crm_dashboard | full | 81.0 MB | verified: restore`. */
export function describeBackup(backup: BackupSummary): string {
	const time = `${backup.startedAt.slice(0, 16).replace('T', ' ')} UTC`;
	const state = backup.status === 'damaged' ? 'DAMAGED' : backup.verified === null ? 'not verified' : `verified: ${backup.verified.level}`;
	return [time, backup.source, backup.kind, `${(backup.storedBytes / 1e6).toFixed(1)} MB`, state].join(' | ');
}

function matching(entries: INodeListSearchItems[], filter: string | undefined): INodeListSearchItems[] {
	if (filter === undefined || filter === '') return entries;
	const wanted = filter.toLowerCase();
	return entries.filter((entry) => `${entry.name} ${String(entry.value)}`.toLowerCase().includes(wanted));
}

function chosenDatabase(context: ILoadOptionsFunctions): string {
	const value = context.getCurrentNodeParameter('database', { extractValue: true });
	if (typeof value === 'string' && value !== '' && !value.startsWith('=')) return value;
	throw new BackupError(
		'INVALID_INPUT',
		'Choose a database first.',
		'The list is read from that database. With an expression as database, give the names by an expression too.',
	);
}

async function reported<T>(context: ILoadOptionsFunctions, lookup: () => Promise<T>): Promise<T> {
	try {
		return await lookup();
	} catch (error) {
		throw nodeError(context.getNode(), toBackupError(error));
	}
}
