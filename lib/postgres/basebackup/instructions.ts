import { decodeCommand, keyInstructions } from '../../backup/decode-command';
import type { BasebackupDetails } from '../../catalog/basebackup-manifest';
import type { Artifact, Manifest } from '../../catalog/manifest';
import { BASE_ROLE, MANIFEST_ROLE, TABLESPACE_ROLE } from './roles';

export interface BasebackupInstructions {
	readonly id: string;
	readonly name: string;
	readonly serverMajor: number;
	readonly details: BasebackupDetails;
	readonly artifacts: readonly Artifact[];
	/** The backups that this one needs, the full one first, without itself. */
	readonly chain: readonly Manifest[];
}

/** One backup of the chain, and the folder that it is unpacked into. */
interface Member {
	readonly id: string;
	readonly folder: string;
	/** What stands before the names of its files. */
	readonly place: string;
	readonly details: BasebackupDetails;
	readonly artifacts: readonly Artifact[];
}

/** The text of RESTORE.txt: how to bring the server back with nothing but age, zstd, tar and PostgreSQL's own tools. */
export function basebackupInstructions(backup: BasebackupInstructions): string {
	const { id, name, serverMajor, details, artifacts, chain } = backup;
	const incremental = chain.length > 0;
	const members: Member[] = [
		...chain.flatMap((member, at) => (member.basebackup ? [{ id: member.id, folder: at === 0 ? 'full' : `incremental-${at}`, place: `../${member.id}/`, details: member.basebackup, artifacts: member.artifacts }] : [])),
		{ id, folder: incremental ? `incremental-${chain.length}` : 'data', place: '', details, artifacts },
	];
	const { tablespaces } = details;
	const mapped = tablespaces.length > 0;
	return `${[
		`Backup ${id}: ${incremental ? 'incremental base backup' : 'base backup'} of the PostgreSQL ${serverMajor} server ${JSON.stringify(name)}`,
		'',
		`It is consistent by itself from ${details.endedAt} (LSN ${details.endLsn}, timeline ${details.timeline}) on.`,
		`Needs: ${artifacts.some(({ encryption }) => encryption) ? 'age, ' : ''}zstd, tar and the programs of PostgreSQL ${serverMajor} (postgres, pg_verifybackup${incremental ? ', pg_combinebackup' : ''}), on the same kind of machine`,
		'(processor, operating system, sort order of its languages).',
		'Run the commands in a copy of the folder of this file, as the user that is to run PostgreSQL.',
		...(incremental ? [`It needs these backups too; their folders must lie beside this one, as they do in the store: ${chain.map((member) => member.id).join(', ')}.`] : []),
		'',
		...keyInstructions(members.flatMap((member) => member.artifacts)),
		'1. Unpack.',
		'',
		'```sh',
		...members.flatMap(unpack),
		'```',
		'',
		...(mapped ? ['   Tablespaces, and where they were:', ...tablespaces.map(({ oid, location }) => `   ${oid}: ${JSON.stringify(location)}`), ''] : []),
		'2. Check every file, and the WAL, against the manifest of the server.',
		'',
		'```sh',
		...members.map((member) => `pg_verifybackup ${member.folder}`),
		'```',
		'',
		...(incremental ? ['3. Combine.', '', '```sh', combine(members, tablespaces), '```', ''] : []),
		...(mapped
			? [
					`${incremental ? 4 : 3}. Say where the tablespaces are now: the server makes its links from this file when it starts.`,
					'',
					'```sh',
					'true > data/tablespace_map',
					...tablespaces.map(({ oid }) => `echo "${oid} $PWD/tablespace-${oid}-data" >> data/tablespace_map`),
					'```',
					'',
				]
			: []),
		`${3 + (incremental ? 1 : 0) + (mapped ? 1 : 0)}. Start. For the state at the end of this backup nothing more is needed. postgresql.conf and pg_hba.conf are in the folder only where they lay`,
		'   there on the original server (Debian keeps them in /etc/postgresql: bring them from the backup of the configuration).',
		'   For a later moment, unpack the archived WAL (zstd, and age) under its names without suffix, and say the target, e.g. in data/postgresql.auto.conf:',
		"       restore_command = 'cp /path/to/unpacked/wal/%f %p'",
		"       recovery_target_time = '2026-11-22 14:30:00+00'",
		"       recovery_target_action = 'promote'",
		'   and: touch data/recovery.signal. WITHOUT that file the settings are ignored silently.',
		'   A target before the end of this backup cannot be reached: use an earlier backup.',
		'',
		'```sh',
		'postgres -D data',
		'```',
	].join('\n')}\n`;
}

function unpack({ folder, place, details, artifacts }: Member): string[] {
	const stored = (artifact: Artifact) => decodeCommand({ ...artifact, name: place + artifact.name });
	const [base] = artifacts.filter(({ role }) => role === BASE_ROLE);
	const [manifest] = artifacts.filter(({ role }) => role === MANIFEST_ROLE);
	const spaces = details.tablespaces.flatMap(({ oid, artifact }) => {
		const archive = artifacts.find(({ name, role }) => role === TABLESPACE_ROLE && name === artifact);
		return archive ? [{ oid, archive }] : [];
	});
	return [
		`mkdir -m 0700 ${folder}`,
		...(base ? [`${stored(base)} | tar -x -C ${folder}`] : []),
		...(manifest ? [`${stored(manifest)} > ${folder}/backup_manifest`] : []),
		...spaces.flatMap(({ oid, archive }) => [
			`mkdir -m 0700 tablespace-${oid}-${folder}`,
			`${stored(archive)} | tar -x -C tablespace-${oid}-${folder}`,
			`ln -sfn "$PWD/tablespace-${oid}-${folder}" ${folder}/pg_tblspc/${oid}`,
		]),
	];
}

function combine(members: readonly Member[], tablespaces: BasebackupDetails['tablespaces']): string {
	const last = members.at(-1)?.folder ?? '';
	const moved = tablespaces.map(({ oid }) => ` -T "$PWD/tablespace-${oid}-${last}=$PWD/tablespace-${oid}-data"`).join('');
	return `pg_combinebackup ${members.map(({ folder }) => folder).join(' ')} -o data${moved}`;
}
