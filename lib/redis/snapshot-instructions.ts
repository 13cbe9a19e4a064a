import { decodeCommand, keyInstructions } from '../backup/decode-command';
import type { Artifact } from '../catalog/manifest';
import type { RedisDetails } from '../catalog/redis-manifest';
import type { ServerInfo } from './server-info';

export interface SnapshotInstructions {
	readonly id: string;
	readonly name: string;
	readonly info: ServerInfo;
	readonly details: RedisDetails;
	readonly artifacts: readonly Artifact[];
}

/** The text of RESTORE.txt: how to put a snapshot back with nothing but zstd and Redis itself. */
export function snapshotInstructions({ id, name, info, details, artifacts }: SnapshotInstructions): string {
	const snapshots = details.snapshots ?? [];
	const cluster = snapshots.length > 1;
	const server = info.flavor === 'valkey' ? 'valkey-server' : 'redis-server';
	const keys = details.databases.map((database) => `database ${database.index}: ${database.keys} keys, ${database.expiring} of them with a time to live`);
	return `${[
		`Backup ${id}: snapshot of ${info.flavor === 'valkey' ? 'Valkey' : 'Redis'} ${info.version} (${name})`,
		'',
		`Needs: ${artifacts.some(({ encryption }) => encryption) ? 'age, ' : ''}zstd, and ${server} of version ${info.major} or newer (RDB version ${details.rdbVersion}).`,
		`It holds ${keys.join('; ') || 'no keys'}.`,
		'Run the commands in the folder of this file.',
		'',
		...keyInstructions(artifacts),
		'1. Unpack and check. A damaged file ends the server for good, so this comes before anything else.',
		'',
		'```sh',
		...artifacts.flatMap((artifact) => [`${decodeCommand(artifact)} > ${plainName(artifact.name)}`, `${info.flavor === 'valkey' ? 'valkey' : 'redis'}-check-rdb ${plainName(artifact.name)}`]),
		'```',
		'',
		...(cluster
			? [
					'2. Each file belongs to one master of a cluster. Start an empty cluster whose masters have these slots:',
					...snapshots.map(({ artifact, slots }) => `   ${plainName(artifact)}: slots ${slots.map(({ first, last }) => `${first}-${last}`).join(', ')}`),
					'   Stop each master, put its file into its folder as in step 3, and start it again.',
					'',
				]
			: []),
		`${cluster ? 3 : 2}. Stop the server. Find its folder and file name with "CONFIG GET dir" and "CONFIG GET dbfilename" (mostly dump.rdb) before.`,
		'   Keep the old file and the folder "appendonlydir" (or the old appendonly.aof) under another name.',
		'   Copy the unpacked file there under that name, readable by the user that the server runs as.',
		'',
		`${cluster ? 4 : 3}. Where "appendonly" is "yes", the server reads its append-only file at start and IGNORES the RDB. So start it once without:`,
		'   set "appendonly no" in its configuration, start it, see that the keys are there (INFO keyspace), then say',
		'   "CONFIG SET appendonly yes", wait until INFO persistence shows aof_rewrite_in_progress:0, and set "appendonly yes" in its configuration again.',
		'',
		`${cluster ? 5 : 4}. Compare INFO keyspace with the numbers above. Keys whose time has passed meanwhile are gone, as they should be.`,
	].join('\n')}\n`;
}

/** The artifact's name without what storing it added. */
function plainName(artifact: string): string {
	return artifact.replace(/\.rdb\..*$/, '.rdb');
}
