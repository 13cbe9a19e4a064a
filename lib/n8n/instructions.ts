import { escapeIdentifier } from 'pg';
import { decodeCommand, keyInstructions } from '../backup/decode-command';
import type { Artifact } from '../catalog/manifest';
import type { N8nDetails } from '../catalog/n8n-manifest';
import type { DatabasePart } from './backup-n8n';

export interface N8nInstructions {
	readonly id: string;
	readonly version: string;
	readonly details: N8nDetails;
	readonly database: DatabasePart;
	readonly config: Artifact;
	readonly binary: Artifact | undefined;
}

/** The text of RESTORE.txt: how an empty n8n becomes the backed-up one with stock tools. */
export function n8nInstructions({ id, version, details, database, config, binary }: N8nInstructions): string {
	const { artifact } = database;
	const postgres = database.postgres !== undefined;
	return `${[
		`Backup ${id}: n8n ${version}, ${postgres ? 'with its database in PostgreSQL' : 'with its database in SQLite'}${details.executions ? '' : ', without the history of executions'}`,
		'',
		`Needs: zstd${artifact.encryption ? ', age' : ''}${postgres ? `, psql and pg_restore of PostgreSQL ${database.server?.major ?? ''} or newer` : ''}, and n8n ${version} or newer (its newest migration is ${details.migrations.newest}).`,
		'Stop n8n. Run the commands in the folder of this file, as the user that n8n runs as.',
		'',
		...keyInstructions([artifact]),
		'1. Check the files.',
		'',
		...shell(...[artifact, config, ...(binary ? [binary] : [])].map((each) => `echo "${each.storedSha256}  ${each.name}" | sha256sum -c`)),
		'',
		"2. The data folder. It must hold no n8n yet: move another one's files away first.",
		'',
		...shell(
			'DATA="${N8N_USER_FOLDER:-$HOME}/.n8n"',
			'mkdir -p "$DATA" && test ! -e "$DATA/database.sqlite" && test ! -e "$DATA/config"',
			'umask 077',
			`${decodeCommand(config)} > "$DATA/config"`,
			...(postgres ? [] : [`${decodeCommand(artifact)} > "$DATA/database.sqlite"`]),
			...(binary ? [`${decodeCommand(binary)} | tar -x -C "$DATA"`] : []),
		),
		'',
		'   "config" holds the encryption key. Where n8n gets N8N_ENCRYPTION_KEY from its environment, put this same key there.',
		'',
		...(postgres ? postgresSteps(database, details) : ['3. Check the database. It must say "ok".', '', ...shell('sqlite3 "$DATA/database.sqlite" "PRAGMA integrity_check"'), '']),
		...(details.communityPackages.length === 0
			? []
			: [
					'4. Community packages. n8n gets them again when it starts with N8N_REINSTALL_MISSING_PACKAGES=true, or by:',
					'',
					...shell('mkdir -p "$DATA/nodes"', `npm install --prefix "$DATA/nodes" --omit=peer --legacy-peer-deps --ignore-scripts ${details.communityPackages.map(({ name, version: installed }) => quote(`${name}@${installed}`)).join(' ')}`),
					'',
				]),
		'5. Start n8n and log in with the password from before. Compare the counts with those in manifest.json (n8n.counts).',
	].join('\n')}\n`;
}

function postgresSteps({ artifact, postgres, server }: DatabasePart, details: N8nDetails): string[] {
	const history = `DELETE FROM ${escapeIdentifier(server?.schema ?? 'public')}.${escapeIdentifier(`${details.tablePrefix}execution_entity`)}`;
	return [
		'3. The database. PGHOST, PGPORT and PGUSER tell psql and pg_restore the server; the role of n8n must exist there.',
		'',
		...shell(
			`createdb n8n_restored`,
			`${decodeCommand(artifact)} | pg_restore --exit-on-error --no-owner --dbname=n8n_restored`,
			...(details.executions ? [] : [`psql -X -v ON_ERROR_STOP=1 -d n8n_restored -c ${quote(history)}`]),
		),
		'',
		`   Its owner was ${JSON.stringify(postgres?.settings?.owner ?? '')}. Point DB_POSTGRESDB_DATABASE of n8n at it.`,
		'',
	];
}

function quote(text: string): string {
	return `'${text.replaceAll("'", `'\\''`)}'`;
}

function shell(...lines: string[]): string[] {
	return ['```sh', ...lines, '```'];
}
