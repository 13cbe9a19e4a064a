import { escapeIdentifier } from 'pg';
import type { JobContext } from '../../core/context';
import { runTool } from '../../process/run-tool';
import { withClient } from '../connect';
import { readDump, withUnpackedDump } from './dump-files';
import type { FillRequest } from './fill-database';
import { APPLICATION_NAME } from './maintenance';

/** What a partial restore needs to know before `pg_restore` runs. */
export interface PartialPreparation {
	/** What was created. */
	readonly made: string[];
	/** The text for `pg_restore --use-list`; undefined: everything. */
	readonly list: string | undefined;
}

/**
 * `pg_dump --table` carries neither the schemas of the tables nor the extensions that their types come from. Creates those that the
 * archive lacks, empty, so that the tables have a place to go to. `pg_dump --schema=public`, on the other hand, carries that schema, which
 * every new database has: it is taken out of the list.
 */
export async function preparePartial(request: FillRequest, context: JobContext): Promise<PartialPreparation> {
	const { manifest } = request.dump;
	const listed = await listArchive(request, context);
	const extensions = (manifest.postgres?.settings?.extensions ?? []).filter((extension) => extension.name !== 'plpgsql' && !listed.has('EXTENSION', extension.name));
	const schemas = new Set([...(manifest.postgres?.proof?.tables ?? []).map((table) => table.schema), ...extensions.map((extension) => extension.schema)]);
	const missing = [...schemas].filter((schema) => schema !== 'public' && !schema.startsWith('pg_') && !listed.has('SCHEMA', schema));
	const options = { database: request.database, signal: context.signal, applicationName: APPLICATION_NAME, doing: 'preparing it' };
	return await withClient(request.session.connection, options, async (client) => {
		const made: string[] = [];
		for (const schema of missing) {
			await client.query(`CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(schema)}`);
			made.push(`schema ${JSON.stringify(schema)}`);
		}
		for (const extension of extensions) {
			// One whose schema is in the archive can only come after it; pg_restore will say if a table needs it.
			if (extension.schema !== 'public' && listed.has('SCHEMA', extension.schema)) continue;
			const place = extension.schema.startsWith('pg_') ? '' : ` SCHEMA ${escapeIdentifier(extension.schema)}`;
			await client.query(`CREATE EXTENSION IF NOT EXISTS ${escapeIdentifier(extension.name)}${place}`);
			made.push(`extension ${JSON.stringify(extension.name)}`);
		}
		return { made, list: listed.without('SCHEMA', 'public') };
	});
}

interface ArchiveList {
	has(kind: 'SCHEMA' | 'EXTENSION', name: string): boolean;
	/** The list without this entry; undefined where it is not in it. */
	without(kind: 'SCHEMA', name: string): string | undefined;
}

/** The table of contents as `pg_restore --list` prints it: `12; 2615 16385 SCHEMA - crm postgres`. */
async function listArchive(request: FillRequest, context: JobContext): Promise<ArchiveList> {
	const output = await runList(request, context);
	const lines = output.split('\n').filter((line) => !line.startsWith(';'));
	const isEntry = (line: string, kind: string, name: string) => /^\d+; \d+ \d+ /.test(line) && line.replace(/^\d+; \d+ \d+ /, '').startsWith(`${kind} - ${name.replace(/[\r\n]/g, ' ')} `);
	return {
		has: (kind, name) => lines.some((line) => isEntry(line, kind, name)),
		without: (kind, name) => (lines.some((line) => isEntry(line, kind, name)) ? lines.filter((line) => !isEntry(line, kind, name)).join('\n') : undefined),
	};
}

async function runList({ client, dump }: FillRequest, context: JobContext): Promise<string> {
	const run = async (args: string[], stdin?: AsyncIterable<Buffer>) => (await runTool({ file: client.path, args: ['--list', ...args], stdin, signal: context.signal, stdout: 'collect' })).stdout;
	switch (dump.format) {
		case 'custom':
			return await run(['--format=custom'], readDump(dump, context, 'Reading the table of contents'));
		case 'directory':
			return await withUnpackedDump(dump, context, 'Reading the table of contents', async (path) => await run(['--format=directory', path]));
	}
}
