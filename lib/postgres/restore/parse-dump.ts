import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { runTool } from '../../process/run-tool';
import { readDump, type StoredDump, withUnpackedDump } from './dump-files';
import { findPgRestore } from './run-pg-restore';

/**
 * Has `pg_restore` turn the whole dump into SQL that goes nowhere, and looks whether it met the rows of every table of the proof on its way.
 * (`pg_restore --list` would not do: it reads the first bytes only, and passes a dump that is cut off.)
 * @returns what was parsed, as a sentence
 * @throws BackupError `ARTIFACT_DAMAGED`
 */
export async function parseDump(dump: StoredDump, clientFolder: string, context: JobContext): Promise<string> {
	const { manifest, format } = dump;
	const client = await findPgRestore(dump, { clientFolder }, 0, context.signal);
	const said: string[] = [];
	const parse = async (input: { path: string } | { stdin: AsyncIterable<Buffer> }) => {
		const args = ['--verbose', '--file=/dev/null', `--format=${format}`, ...('path' in input ? [input.path] : [])];
		const stdin = 'stdin' in input ? input.stdin : undefined;
		await runTool({ file: client.path, args, stdin, signal: context.signal, stdout: 'ignore', onStderrLine: (line) => said.push(line) });
	};
	try {
		if (format === 'custom') await parse({ stdin: readDump(dump, context, 'Parsing the dump') });
		else await withUnpackedDump(dump, context, 'Unpacking the dump', async (path) => await parse({ path }));
	} catch (error) {
		if (!(error instanceof BackupError) || error.code !== 'TOOL_FAILED') throw error;
		throw new BackupError('ARTIFACT_DAMAGED', `Backup ${manifest.id} cannot be parsed: ${error.message}`, 'Do not restore from it. Use another backup.', { cause: error });
	}
	const tables = manifest.postgres?.proof?.tables ?? [];
	// Names may hold newlines, so the lines are put together again.
	const text = `${said.join('\n')}\n`;
	const missing = tables.filter((table) => !text.includes(`pg_restore: processing data for table "${table.schema}.${table.name}"\n`));
	if (missing.length > 0) {
		const names = missing.slice(0, 10).map((table) => JSON.stringify(`${table.schema}.${table.name}`));
		throw new BackupError('ARTIFACT_DAMAGED', `The dump of backup ${manifest.id} lacks the rows of ${missing.length} tables of its proof: ${names.join(', ')}.`, 'Do not restore from it. Use another backup.');
	}
	return `pg_restore ${client.version} parsed all of the dump; the rows of all ${tables.length} tables are in it.`;
}
