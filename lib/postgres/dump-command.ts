import { databaseConninfo } from './conninfo';
import { LOCK_WAIT_MS } from './snapshot';

export interface DumpCommand {
	readonly database: string;
	readonly snapshot: string;
	readonly selection: readonly string[];
	/** Set where names in `selection` could be misread otherwise. */
	readonly encoding: string | undefined;
	readonly output:
		{ readonly format: 'custom' } | { readonly format: 'directory'; readonly folder: string; readonly jobs: number };
}

/**
 * The arguments of pg_dump. It does not compress: the pipeline does, faster. Its output goes to stdout, or to the folder.
 * https://www.postgresql.org/docs/current/app-pgdump.html
 */
export function dumpArguments(command: DumpCommand): string[] {
	const output =
		command.output.format === 'custom'
			? ['--format=custom']
			: ['--format=directory', `--jobs=${command.output.jobs}`, `--file=${command.output.folder}`];
	return [
		...output,
		'--compress=0',
		'--no-password',
		`--lock-wait-timeout=${LOCK_WAIT_MS}`,
		`--snapshot=${command.snapshot}`,
		...(command.encoding === undefined ? [] : [`--encoding=${command.encoding}`]),
		...command.selection,
		`--dbname=${databaseConninfo(command.database)}`,
	];
}
