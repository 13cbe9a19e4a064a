import { createHash } from 'node:crypto';
import { publishBackup } from '../../lib/backup/publish';
import type { Manifest } from '../../lib/catalog/manifest';
import type { JobContext } from '../../lib/core/context';
import { segmentName } from '../../lib/postgres/replication/wal-segment';
import type { Store } from '../../lib/storage/store';

export interface Member {
	readonly path: string;
	/** As in a tar header: 0 file, 1 hard link, 2 symbolic link, 3 device, 5 folder. Default: a file. */
	readonly flag?: string;
	readonly content?: Buffer | string;
	/** Leave it out of the server's manifest. */
	readonly unlisted?: boolean;
}

export interface HandMade {
	readonly members: readonly Member[];
	readonly tablespaces?: Readonly<Record<number, readonly Member[]>>;
	readonly parent?: Manifest;
	/** 0/200000, 0/300000, … */
	readonly startLsn?: string;
	/** What backup_label says it builds on; default: the parent's start. */
	readonly from?: string;
	readonly systemIdentifier?: string;
}

export const BLOCK_BYTES = 8192;
const SEGMENT_BYTES = 1024 * 1024;

/** An incremental file as PostgreSQL 17 writes it; `count` and `magic` lie where given. */
export function incrementalFile(truncation: number, blocks: Readonly<Record<number, string>>, lies: { count?: number; magic?: number } = {}): Buffer {
	const numbers = Object.keys(blocks).map(Number);
	const head = Buffer.alloc(12 + 4 * numbers.length);
	head.writeUInt32LE(lies.magic ?? 0xd3ae1f0d, 0);
	head.writeUInt32LE(lies.count ?? numbers.length, 4);
	head.writeUInt32LE(truncation, 8);
	numbers.forEach((number, at) => head.writeUInt32LE(number, 12 + 4 * at));
	const padding = numbers.length === 0 ? 0 : (BLOCK_BYTES - (head.length % BLOCK_BYTES)) % BLOCK_BYTES;
	return Buffer.concat([head, Buffer.alloc(padding), ...Object.values(blocks).map((text) => block(text))]);
}

/** A block that is full of one character. */
export function block(text: string): Buffer {
	return Buffer.alloc(BLOCK_BYTES, text);
}

/** Publishes a base backup of given members: with WAL, a label and a server's manifest that fit, so that only what a test gives is wrong. */
export async function publishHandMade(store: Store, context: JobContext, { members, tablespaces = {}, parent, startLsn = '0/200000', from = parent?.basebackup?.startLsn, systemIdentifier = '7' }: HandMade): Promise<Manifest> {
	const at = BigInt(`0x${startLsn.slice(2)}`);
	const label = `START WAL LOCATION: ${startLsn} (file x)\nSTART TIMELINE: 1\n${from === undefined ? '' : `INCREMENTAL FROM LSN: ${from}\nINCREMENTAL FROM TLI: 1\n`}`;
	const all: Member[] = [
		{ path: 'backup_label', content: label },
		{ path: 'pg_wal', flag: '5' },
		{ path: 'pg_tblspc', flag: '5' },
		...Object.keys(tablespaces).map((oid) => ({ path: `pg_tblspc/${oid}`, flag: '2' })),
		...members,
		{ path: `pg_wal/${segmentName(1, at, SEGMENT_BYTES)}`, content: Buffer.alloc(SEGMENT_BYTES), unlisted: true },
	];
	const listed = [...all, ...Object.entries(tablespaces).flatMap(([oid, found]) => found.map((member) => ({ ...member, path: `pg_tblspc/${oid}/${member.path}` })))];
	const write = async function* (bytes: Buffer) {
		// Pieces that end anywhere.
		for (let offset = 0; offset < bytes.length; offset += 9_999) yield bytes.subarray(offset, offset + 9_999);
	};
	const kind = parent ? 'incremental' : 'base';
	return await publishBackup({ store, context, component: 'postgres', kind, sourceName: 'cluster', lockWaitSeconds: 0 }, async (draft) => {
		const compression = { algorithm: 'zstd', level: 1 } as const;
		await draft.writeArtifact({ name: 'base.tar.zst', role: 'base', mediaType: 'application/x-tar', compression }, write(tar(all)));
		for (const [oid, found] of Object.entries(tablespaces)) await draft.writeArtifact({ name: `${oid}.tar.zst`, role: 'tablespace', mediaType: 'application/x-tar', compression }, write(tar(found)));
		await draft.writeArtifact({ name: 'backup_manifest.zst', role: 'backup-manifest', mediaType: 'application/json', compression }, write(serverManifest(listed, systemIdentifier)));
		return {
			source: { type: 'postgres', name: 'cluster', host: 'db', port: 5432, serverVersion: '17.0', serverMajor: 17 },
			parent: parent?.id ?? null,
			basebackup: {
				systemIdentifier,
				serverVersionNumber: 170000,
				timeline: 1,
				startLsn,
				endLsn: startLsn.replace(/0$/, '8'),
				beganAt: '2026-11-22T14:00:00.000Z',
				endedAt: '2026-11-22T14:00:10.000Z',
				segmentBytes: SEGMENT_BYTES,
				blockBytes: BLOCK_BYTES,
				pageChecksums: false,
				files: { count: 1, bytes: 1 },
				tablespaces: Object.keys(tablespaces).map((oid) => ({ oid: Number(oid), location: '/srv/fast', artifact: `${oid}.tar.zst` })),
				databases: [],
			},
			instructions: '',
		};
	});
}

function tar(members: readonly Member[]): Buffer {
	return Buffer.concat([...members.flatMap((member) => [header(member), Buffer.from(member.content ?? ''), Buffer.alloc((512 - (Buffer.byteLength(member.content ?? '') % 512)) % 512)]), Buffer.alloc(1024)]);
}

function header({ path, flag = '0', content = '' }: Member): Buffer {
	const bytes = Buffer.alloc(512);
	bytes.write(flag === '0' ? path : `${path}/`, 0, 100);
	bytes.write('0000600\0', 100);
	bytes.write(`${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`, 124);
	bytes.write(flag, 156);
	bytes.write('/etc', 157);
	bytes.write('ustar\u000000', 257);
	bytes.fill(' ', 148, 156);
	bytes.write(`${bytes.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
	return bytes;
}

function serverManifest(members: readonly Member[], systemIdentifier: string): Buffer {
	const files = members
		.filter(({ flag = '0', unlisted }) => flag === '0' && unlisted !== true)
		.map(({ path, content = '' }) => `{ "Path": ${JSON.stringify(path)}, "Size": ${Buffer.byteLength(content)}, "Last-Modified": "2026-11-22 14:00:00 GMT", "Checksum-Algorithm": "SHA256", "Checksum": "${createHash('sha256').update(content).digest('hex')}" }`);
	const text = `{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": ${systemIdentifier},\n"Files": [\n${files.join(',\n')}\n],\n"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/200000", "End-LSN": "0/200008" }\n],\n`;
	return Buffer.from(`${text}"Manifest-Checksum": "${createHash('sha256').update(text).digest('hex')}"}\n`);
}
