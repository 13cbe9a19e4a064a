import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { COMPONENTS } from '../../lib/catalog/component';
import type { CrossCheckResult } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { backupChoiceFrom, choiceOption, connectionFrom, connectionOptions, listOption, type OptionValues, outputOptions, requiredOption, storeOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom } from '../store';
import { UsageError } from '../usage-error';

export const crossCheck: Command = {
	name: 'cross-check',
	summary: 'Compare the file paths in a database with a folder, or with a backup of files.',
	usage:
		'backup-recovery cross-check --database NAME --sql-file QUERY.sql --host HOST --user USER --password-file FILE\n' +
		'    (--folder FOLDER | --store FOLDER --backup latest|ID [--component files] [--source NAME] [--identity-file FILE | --passphrase-file FILE])\n' +
		'    [--strip-prefix /uploads/] [--inside FOLDER] [--ignore PATTERN]... [--url-decode] [--lists FOLDER] [--limit 100] [--fail-when-different]',
	options: {
		...storeOptions,
		...connectionOptions,
		...outputOptions,
		...keyOptions,
		database: { type: 'string', short: 'd' },
		'sql-file': { type: 'string' },
		folder: { type: 'string' },
		backup: { type: 'string', short: 'b' },
		component: { type: 'string' },
		source: { type: 'string' },
		'strip-prefix': { type: 'string' },
		inside: { type: 'string' },
		ignore: { type: 'string', multiple: true },
		'url-decode': { type: 'boolean' },
		lists: { type: 'string' },
		limit: { type: 'string' },
		'fail-when-different': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const lists = textOption(values, 'lists');
		const result = await runJob<'recovery.crossCheck'>(
			{
				kind: 'recovery.crossCheck',
				connection: await connectionFrom(values, world),
				database: requiredOption(values, 'database'),
				sql: await readQuery(requiredOption(values, 'sql-file')),
				files: filesFrom(values, world.environment),
				stripPrefix: textOption(values, 'strip-prefix'),
				inside: textOption(values, 'inside'),
				ignore: listOption(values, 'ignore'),
				urlDecode: values['url-decode'] === true,
				listLimit: wholeNumberOption(values, 'limit'),
				listsFolder: lists === undefined ? null : resolve(lists),
				failWhenDifferent: values['fail-when-different'] === true,
				decryption: await decryptionFrom(values, world),
			},
			world.runOptions,
		);
		return { result, text: describe(result) };
	},
};

function filesFrom(values: OptionValues, environment: NodeJS.ProcessEnv) {
	const folder = textOption(values, 'folder');
	const backup = textOption(values, 'backup');
	if ((folder === undefined) === (backup === undefined)) throw new UsageError('Give either --folder, or --store with --backup.');
	if (folder !== undefined) return { by: 'folder' as const, folder: resolve(folder) };
	const component = choiceOption(values, 'component', COMPONENTS) ?? ('files' as const);
	return { by: 'backup' as const, store: storeFrom(values, environment), component, backup: backupChoiceFrom(backup ?? 'latest', textOption(values, 'source')) };
}

async function readQuery(path: string): Promise<string> {
	try {
		return await readFile(path, 'utf8');
	} catch (error) {
		throw new UsageError(`The query file ${path} cannot be read: ${(error as Error).message}`);
	}
}

function describe({ sentence, rowsWithoutFiles, filesWithoutRows, unusableRows }: CrossCheckResult): string {
	const section = (title: string, { count, first, list }: CrossCheckResult['rowsWithoutFiles']) => {
		if (count === 0) return [];
		const more = count > first.length ? [`  … and ${count - first.length} more`] : [];
		return ['', `${title} (${count}):`, ...first.map((entry) => `  ${JSON.stringify(entry)}`), ...more, ...(list === null ? [] : [`  all of them: ${list}`])];
	};
	return [
		sentence,
		...section('Paths in rows without a file', rowsWithoutFiles),
		...section('Files without a row', filesWithoutRows),
		...section('Rows that can be no file', unusableRows),
	].join('\n');
}
