import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publishBackup } from '../../lib/backup/publish';
import type { Manifest } from '../../lib/catalog/manifest';
import type { JobContext } from '../../lib/core/context';
import { formatLsn } from '../../lib/postgres/replication/lsn';
import { readSegmentName } from '../../lib/postgres/replication/wal-segment';
import { writeWal } from '../../lib/postgres/wal/wal-archive';
import { WalWalker } from '../../lib/postgres/wal/walk-records';
import type { WalTimes } from '../../lib/catalog/wal-manifest';
import type { Store } from '../../lib/storage/store';
import type { PostgresServer } from './postgres-server';

const run = promisify(execFile);

/** Settings with which `startPostgres` makes a server whose WAL these functions can archive. */
export const ARCHIVED_SERVER = { wal_level: 'replica', max_wal_senders: '5', wal_keep_size: '512MB', wal_log_hints: 'on' };

/** What initdb gets besides, where the size of segments is not the point. */
export const SMALL_SEGMENTS = ['--wal-segsize=1'];

/** The server's clock. */
export async function serverClock(server: Pick<PostgresServer, 'query'>): Promise<string> {
	const [row] = await server.query<{ at: string }>(`SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`);
	return row!.at;
}

/** A base backup by the stock tool, published as ours are. */
export async function stockBaseBackup(server: PostgresServer, store: Store, context: JobContext, major = 15): Promise<Manifest> {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-base-'));
	try {
		const beganAt = await serverClock(server);
		const env = { PATH: process.env.PATH, PGPASSWORD: server.password };
		await run('/usr/lib/postgresql/15/bin/pg_basebackup', ['-h', server.host, '-p', String(server.port), '-U', server.user, '-D', folder, '-Ft', '-X', 'fetch', '-c', 'fast', '--manifest-checksums=SHA256'], { env });
		const endedAt = await serverClock(server);
		const stock = JSON.parse(await readFile(join(folder, 'backup_manifest'), 'utf8')) as { Files: { Size: number }[]; 'WAL-Ranges': { Timeline: number; 'Start-LSN': string; 'End-LSN': string }[] };
		const [facts] = await server.query<{ id: string; version: number; bytes: number }>('SELECT system_identifier::text AS id, current_setting(\'server_version_num\')::int AS version, (SELECT bytes_per_wal_segment FROM pg_control_init())::int AS bytes FROM pg_control_system()');
		const range = stock['WAL-Ranges'][0]!;
		const tars = (await readdir(folder)).filter((name) => name.endsWith('.tar'));
		const spaces = await server.query<{ oid: number; location: string }>("SELECT oid::int, pg_tablespace_location(oid) AS location FROM pg_tablespace WHERE pg_tablespace_location(oid) <> ''");
		return await publishBackup({ store, context, component: 'postgres', kind: 'base', sourceName: 'cluster', lockWaitSeconds: 60 }, async (draft) => {
			for (const name of tars) {
				const spec = { name: `${name}.zst`, role: name === 'base.tar' ? 'base' : 'tablespace', mediaType: 'application/x-tar', compression: { algorithm: 'zstd', level: 1 } } as const;
				await draft.writeArtifact(spec, createReadStream(join(folder, name)));
			}
			await draft.writeArtifact({ name: 'backup_manifest.zst', role: 'backup-manifest', mediaType: 'application/json', compression: { algorithm: 'zstd', level: 1 } }, createReadStream(join(folder, 'backup_manifest')));
			return {
				source: { type: 'postgres', name: 'cluster', host: server.host, port: server.port, serverVersion: `${major}`, serverMajor: major },
				basebackup: {
					systemIdentifier: facts!.id,
					serverVersionNumber: facts!.version,
					timeline: range.Timeline,
					startLsn: range['Start-LSN'],
					endLsn: range['End-LSN'],
					beganAt,
					endedAt,
					segmentBytes: facts!.bytes,
					blockBytes: 8192,
					pageChecksums: false,
					files: { count: stock.Files.length, bytes: stock.Files.reduce((sum, { Size }) => sum + Size, 0) },
					tablespaces: spaces.map(({ oid, location }) => ({ oid, location, artifact: `${oid}.tar.zst` })),
					databases: [],
				},
				instructions: '',
			};
		});
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

export interface ArchiveOptions {
	/** Leave these out, as a gap. */
	readonly without?: readonly string[];
	/** Put the bytes of another one under a name. */
	readonly swapped?: Readonly<Record<string, string>>;
	/** Change the byte at this place of one, as if it had been wrong when it came. */
	readonly flipped?: Readonly<Record<string, number>>;
	readonly keys?: JobContext['keys'];
	/** Only those of this timeline. */
	readonly timeline?: number;
}

/** Finishes the segment at work and archives all that there are. @returns their names */
export async function archiveWal(server: Pick<PostgresServer, 'query'>, store: Store, context: JobContext, options: ArchiveOptions = {}): Promise<string[]> {
	const [facts] = await server.query<{ id: string; major: number; last: string; bytes: number }>(
		"SELECT system_identifier::text AS id, current_setting('server_version_num')::int / 10000 AS major, pg_walfile_name(pg_switch_wal()) AS last, (SELECT bytes_per_wal_segment FROM pg_control_init())::int AS bytes FROM pg_control_system()",
	);
	const { id, major, last, bytes } = facts!;
	const files = await server.query<{ name: string }>("SELECT name FROM pg_ls_waldir() WHERE name ~ '^([0-9A-F]{24}|[0-9A-F]{8}\\.history)$' ORDER BY name");
	const names = files.map(({ name }) => name).filter((name) => name.length < 24 || name <= last);
	const sentAt = await serverClock(server);
	// In small parts: the driver takes seconds for one value of 16 MiB.
	const read = async (name: string) => {
		const parts = await server.query<{ content: Buffer }>('SELECT pg_read_binary_file($1, part, 262144) AS content FROM generate_series(0, $2::int - 1, 262144) AS part', 'postgres', [`pg_wal/${name}`, bytes]);
		return Buffer.concat(parts.map(({ content }) => content));
	};
	const walk = new SegmentWalk({ systemIdentifier: id, segmentBytes: bytes, serverMajor: major });
	for (const name of names) {
		if (options.without?.includes(name) || (options.timeline !== undefined && Number.parseInt(name.slice(0, 8), 16) !== options.timeline)) continue;
		const own = await read(name);
		const swapped = options.swapped?.[name];
		const content = swapped === undefined ? Buffer.from(own) : await read(swapped);
		const flip = options.flipped?.[name];
		if (flip !== undefined) content.writeUInt8(content.readUInt8(flip) ^ 1, flip);
		const place = readSegmentName(name, bytes);
		const start = place?.start ?? 0n;
		await writeWal(
			store,
			name,
			(async function* () {
				yield content;
			})(),
			{
				content: place ? 'segment' : 'history',
				systemIdentifier: id,
				timeline: place?.timeline ?? Number.parseInt(name.slice(0, 8), 16),
				file: name,
				startLsn: formatLsn(start),
				endLsn: formatLsn(place ? start + BigInt(bytes) : start),
				segmentBytes: bytes,
				serverMajor: major,
				archivedAt: sentAt,
				// As the archiver writes it: only where the server had nothing more to send.
				sentAt: name === names.at(-1) ? sentAt : null,
				...(place && { times: walk.times(place.timeline, start, own) }),
			},
			{ keys: options.keys ?? context.keys, compressionLevel: 1, signal: context.signal },
		);
	}
	return names;
}

/** Walks segment after segment, as the archiver does. */
class SegmentWalk {
	private walker: WalWalker | undefined;
	private timeline = 0;

	constructor(private readonly server: { readonly systemIdentifier: string; readonly segmentBytes: number; readonly serverMajor: number }) {}

	times(timeline: number, start: bigint, content: Buffer): WalTimes {
		if (this.walker?.position !== start || this.timeline !== timeline) this.walker = new WalWalker({ ...this.server, timeline, start });
		this.timeline = timeline;
		this.walker.push(content);
		return this.walker.takeTimes();
	}
}
