import pg from 'pg';
import { decodeCommand, keyInstructions } from '../backup/decode-command';
import type { Artifact } from '../catalog/manifest';
import type { DatabaseSettings } from '../catalog/postgres-manifest';
import { configurationStatements, privilegeStatements } from './restore/apply-settings';

export interface DumpInstructions {
	readonly id: string;
	readonly artifact: Artifact;
	readonly format: 'custom' | 'directory';
	readonly settings: DatabaseSettings;
	readonly serverMajor: number;
	readonly partial: boolean;
}

/** The text of a database dump's RESTORE.txt: how to put it back with nothing but zstd, tar and PostgreSQL's own tools. */
export function dumpInstructions(dump: DumpInstructions): string {
	const { settings, artifact } = dump;
	return `${[
		`Backup ${dump.id}: PostgreSQL database ${inText(settings.name)}${dump.partial ? ' (chosen schemas or tables only)' : ''}`,
		'',
		`Needs: zstd, ${artifact.encryption ? 'age, ' : ''}${dump.format === 'directory' ? 'tar, ' : ''}and psql and pg_restore of PostgreSQL ${dump.serverMajor} or newer.`,
		'Tell psql and pg_restore the server by PGHOST, PGPORT and PGUSER. The user must be a superuser.',
		'Run the commands in the folder of this file. They restore into a new database, "restored", and change no other.',
		'',
		...keyInstructions([artifact]),
		'1. Check the file.',
		'',
		...shell(`echo "${artifact.storedSha256}  ${artifact.name}" | sha256sum -c`),
		'',
		`2. Roles. These must exist: ${settings.roles.map(inText).join(', ') || '(none)'}.`,
		'   Where some are missing, restore the newest backup of kind "globals" first (see its RESTORE.txt).',
		...(settings.extensions.length > 0
			? [
					`   Extensions that the server must offer: ${settings.extensions.map((extension) => `${inText(extension.name)} ${extension.version}`).join(', ')}.`,
				]
			: []),
		'',
		'3. Create the database with the settings of the original.',
		'',
		...psql('postgres', createStatements(settings, dump.serverMajor)),
		'',
		...(dump.partial
			? [
					'   A backup of the schema "public" brings that schema itself. Where step 4 says that it already exists, first run:',
					'   psql -X -d restored -c "DROP SCHEMA public"',
					'',
				]
			: []),
		'4. Restore. It must end with exit code 0 and no errors.',
		'',
		...shell(...restoreCommands(dump)),
		'',
		'5. Settings of the database, and statistics for the planner.',
		'',
		...psql('restored', [
			...configurationStatements('restored', settings),
			...(settings.privileges === null ? [] : privilegeStatements('restored', settings.owner, settings.privileges)),
			'ANALYZE',
		]),
		'',
		'6. Compare the row counts with those in manifest.json (postgres.proof.tables). Then rename the old database away, if it is',
		`   still there, and "restored" to ${inText(settings.name)}, by ALTER DATABASE ... RENAME TO ...`,
	].join('\n')}\n`;
}

/** Commands to copy, or to be run by a program that reads this file. */
function shell(...lines: string[]): string[] {
	return ['```sh', ...lines, '```'];
}

/** The end mark must be no line of the SQL, and names may hold anything. */
function psql(database: string, statements: readonly string[]): string[] {
	const sql = statements.map((statement) => `${statement};`);
	const lines = new Set(sql.join('\n').split('\n'));
	let mark = 'SQL';
	while (lines.has(mark)) mark += '_';
	return shell(`psql -X -v ON_ERROR_STOP=1 -d ${database} <<'${mark}'`, ...sql, mark);
}

function restoreCommands({ format, artifact }: DumpInstructions): string[] {
	const restore = 'pg_restore --exit-on-error --dbname=restored';
	return format === 'custom'
		? [`${decodeCommand(artifact)} | ${restore}`]
		: ['mkdir dump', `${decodeCommand(artifact)} | tar -x -C dump`, `${restore} -j 4 dump`];
}

/** https://www.postgresql.org/docs/current/sql-createdatabase.html */
function createStatements(settings: DatabaseSettings, serverMajor: number): string[] {
	const options = [
		'TEMPLATE template0',
		`ENCODING ${pg.escapeLiteral(settings.encoding)}`,
		...(settings.localeProvider === 'libc' ? [] : [`LOCALE_PROVIDER ${settings.localeProvider}`]),
		`LC_COLLATE ${pg.escapeLiteral(settings.collate)}`,
		`LC_CTYPE ${pg.escapeLiteral(settings.ctype)}`,
		...(settings.locale === null
			? []
			: [`${settings.localeProvider === 'builtin' ? 'BUILTIN_LOCALE' : 'ICU_LOCALE'} ${pg.escapeLiteral(settings.locale)}`]),
		...(settings.icuRules === null || serverMajor < 16 ? [] : [`ICU_RULES ${pg.escapeLiteral(settings.icuRules)}`]),
		`OWNER ${pg.escapeIdentifier(settings.owner)}`,
		...(settings.connectionLimit === -1 ? [] : [`CONNECTION LIMIT ${settings.connectionLimit}`]),
	];
	return [
		`CREATE DATABASE restored ${options.join(' ')}`,
		...(settings.comment === null ? [] : [`COMMENT ON DATABASE restored IS ${pg.escapeLiteral(settings.comment)}`]),
	];
}

/** Names in running text: unprintable characters as escapes, so that a name cannot break a line. */
function inText(name: string): string {
	return JSON.stringify(name);
}
