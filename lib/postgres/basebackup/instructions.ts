import { decodeCommand, keyInstructions } from '../../backup/decode-command';
import type { BasebackupDetails } from '../../catalog/basebackup-manifest';
import type { Artifact } from '../../catalog/manifest';

export interface BasebackupInstructions {
	readonly id: string;
	readonly name: string;
	readonly serverMajor: number;
	readonly details: BasebackupDetails;
	readonly artifacts: readonly Artifact[];
	/** Ids of the backups that this one needs, the full one first, without itself. */
	readonly chain?: readonly string[];
}

/** The text of RESTORE.txt: how to bring the server back with nothing but age, zstd, tar and PostgreSQL's own tools. */
export function basebackupInstructions({ id, name, serverMajor, details, artifacts, chain = [] }: BasebackupInstructions): string {
	const incremental = chain.length > 0;
	const folder = incremental ? `incremental-${chain.length}` : 'data';
	const base = artifacts.find(({ role }) => role === 'base');
	const manifest = artifacts.find(({ role }) => role === 'backup-manifest');
	const tablespaces = details.tablespaces.map((tablespace) => ({ ...tablespace, stored: artifacts.find((artifact) => artifact.name === tablespace.artifact) }));
	return `${[
		`Backup ${id}: ${incremental ? 'incremental base backup' : 'base backup'} of the PostgreSQL ${serverMajor} server ${JSON.stringify(name)}`,
		'',
		`It is consistent by itself from ${details.endedAt} (LSN ${details.endLsn}, timeline ${details.timeline}) on.`,
		`Needs: ${artifacts.some(({ encryption }) => encryption) ? 'age, ' : ''}zstd, tar and the programs of PostgreSQL ${serverMajor} (postgres, pg_verifybackup${incremental ? ', pg_combinebackup' : ''}), on the same kind of machine (processor, operating system).`,
		'Run the commands as the user that is to run PostgreSQL, in a copy of the folder of this file.',
		'',
		...keyInstructions(artifacts),
		...(incremental ? [`It needs these backups, each unpacked in the same way into a folder of its own (see their RESTORE.txt, step 1): ${chain.join(', ')}.`, ''] : []),
		'1. Unpack.',
		'',
		'```sh',
		`mkdir -m 0700 ${folder}`,
		...(base ? [`${decodeCommand(base)} | tar -x -C ${folder}`] : []),
		...(manifest ? [`${decodeCommand(manifest)} > ${folder}/backup_manifest`] : []),
		...tablespaces.flatMap(({ oid, stored }) => (stored ? [`mkdir -m 0700 tablespace-${oid}`, `${decodeCommand(stored)} | tar -x -C tablespace-${oid}`, `ln -sfn "$PWD/tablespace-${oid}" ${folder}/pg_tblspc/${oid}`] : [])),
		...(tablespaces.length > 0 && !incremental ? ['# New places of the tablespaces; the server makes its links from this file.', `: > ${folder}/tablespace_map`, ...tablespaces.map(({ oid }) => `echo "${oid} $PWD/tablespace-${oid}" >> ${folder}/tablespace_map`)] : []),
		'```',
		'',
		...(tablespaces.length > 0 ? ['   The tablespaces were in:', ...tablespaces.map(({ oid, location }) => `   ${oid}: ${JSON.stringify(location)}`), ''] : []),
		'2. Check every file, and the WAL, against the manifest of the server.',
		'',
		'```sh',
		`pg_verifybackup ${tablespaces.length > 0 ? '-i tablespace_map ' : ''}${folder}`,
		'```',
		'',
		...(incremental ? ['3. Combine, the full one first and this one last; then "data" is what is started.', '', '```sh', `pg_combinebackup ${['full', ...chain.slice(1).map((_, at) => `incremental-${at + 1}`), folder].join(' ')} -o data`, '```', ''] : []),
		`${incremental ? 4 : 3}. Start. For the state at the end of this backup, nothing more is needed; the files postgresql.conf and pg_hba.conf are in the folder where they lay there`,
		'   on the original server (Debian keeps them in /etc/postgresql instead).',
		'   For a later moment, put the archived WAL within reach and say the target, e.g. in data/postgresql.auto.conf:',
		"       restore_command = 'cp /path/to/unpacked/wal/%f %p'",
		"       recovery_target_time = '2026-11-22 14:30:00+00'",
		"       recovery_target_action = 'promote'",
		'   and: touch data/recovery.signal. WITHOUT that file the settings are ignored silently.',
		'   A target before the end of this backup cannot be reached: use an earlier backup.',
		'   The WAL archive holds each segment as a file of its own: unpack those that are needed with zstd (and age) under their names without suffix.',
		'',
		'```sh',
		'postgres -D data',
		'```',
	].join('\n')}\n`;
}
