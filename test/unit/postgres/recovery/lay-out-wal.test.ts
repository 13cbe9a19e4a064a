import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WalRecord } from '../../../../lib/catalog/wal-manifest';
import { NO_KEYS } from '../../../../lib/core/keys';
import { layOutWal, writeFully } from '../../../../lib/postgres/recovery/lay-out-wal';
import { formatLsn } from '../../../../lib/postgres/replication/lsn';
import { segmentName } from '../../../../lib/postgres/replication/wal-segment';
import { visitWal } from '../../../../lib/postgres/wal/visit-wal';
import { pieceName, removeWal, writeWal } from '../../../../lib/postgres/wal/wal-archive';
import { chunks } from '../../../support/bytes';
import { failure } from '../../../support/failure';
import { MemoryStore } from '../../../support/memory-store';
import { mb, MEGABYTE, minute, NEVER_ABORTED, SYSTEM } from '../../../support/wal-fixtures';

const context = { signal: NEVER_ABORTED, keys: NO_KEYS, progress: () => undefined };
/** Two segments of log in which no byte is like its neighbours. */
const LOG = Buffer.from(Array.from({ length: 2 * MEGABYTE }, (_, at) => (at * 31 + (at >> 8)) & 0xff));

let store: MemoryStore;
let root: string;
beforeEach(async () => {
	store = new MemoryStore();
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-wal-'));
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

/** Archives the bytes `from` to `to` of the log, all of one segment. */
async function archived(from: number, to: number): Promise<WalRecord> {
	const file = segmentName(1, BigInt(from), MEGABYTE);
	const first = from - (from % MEGABYTE);
	const whole = from === first && to === first + MEGABYTE;
	const name = whole ? file : pieceName(file, from - first, to - first);
	const facts = { content: whole ? 'segment' : 'piece', systemIdentifier: SYSTEM, timeline: 1, file, startLsn: formatLsn(BigInt(from)), endLsn: formatLsn(BigInt(to)), segmentBytes: MEGABYTE, serverMajor: 15, archivedAt: minute(0), sentAt: null } as const;
	return await writeWal(store, name, chunks(LOG.subarray(from, to)), facts, { keys: NO_KEYS, compressionLevel: 1, signal: NEVER_ABORTED });
}

const remove = async ({ artifact }: WalRecord) => await removeWal(store, { name: artifact.name.replace('.zst', ''), timeline: 1, systemIdentifier: SYSTEM }, NEVER_ABORTED);

test('of overlapping pieces the watcher gets each byte once, and the files hold them all', async () => {
	// A run was killed after its pieces 0–300000 and 300000–700000, the next one began with 0–500000.
	const records = [await archived(0, MEGABYTE), await archived(MEGABYTE, MEGABYTE + 500_000), await archived(MEGABYTE + 300_000, MEGABYTE + 700_000)];
	const seen: Buffer[] = [];
	const laid = await layOutWal(store, records, join(root, 'wal'), context, (bytes) => seen.push(Buffer.from(bytes)));
	expect(laid).toEqual({ files: 2, records });
	expect(Buffer.concat(seen).equals(LOG.subarray(0, MEGABYTE + 700_000))).toBe(true);
	const second = await readFile(join(root, 'wal', segmentName(1, mb(1), MEGABYTE)));
	expect(second).toHaveLength(MEGABYTE);
	expect(second.subarray(0, 700_000).equals(LOG.subarray(MEGABYTE, MEGABYTE + 700_000))).toBe(true);
	expect(second.subarray(700_000).every((byte) => byte === 0)).toBe(true);
});

test('a piece that vanished is found as part of a larger one, then of the whole segment', async () => {
	const [first, one, two, three] = [await archived(0, MEGABYTE), await archived(MEGABYTE, MEGABYTE + 100_000), await archived(MEGABYTE + 100_000, MEGABYTE + 200_000), await archived(MEGABYTE + 200_000, MEGABYTE + 300_000)];
	await remove(two);
	let listings = 0;
	const relist = async () => {
		listings += 1;
		if (listings === 1) {
			const larger = await archived(MEGABYTE, MEGABYTE + 250_000);
			return [first, larger, three];
		}
		return [first, await archived(MEGABYTE, 2 * MEGABYTE)];
	};
	const get = store.get.bind(store);
	store.get = async (key, options) => {
		if (key.endsWith('to-3D090.zst')) await remove(three);
		return await get(key, options);
	};
	const seen: Buffer[] = [];
	const laid = await layOutWal(store, [first, one, two, three], join(root, 'wal'), context, (bytes) => seen.push(Buffer.from(bytes)), relist);
	expect(Buffer.concat(seen).equals(LOG)).toBe(true);
	expect((await readFile(join(root, 'wal', segmentName(1, mb(1), MEGABYTE)))).equals(LOG.subarray(MEGABYTE))).toBe(true);
	expect(laid.records.map(({ content }) => content)).toEqual(['segment', 'piece', 'piece', 'segment']);
	expect(listings).toBe(2);
});

test('what is missing for good, or damaged, is said at once', async () => {
	const [first, piece] = [await archived(0, MEGABYTE), await archived(MEGABYTE, MEGABYTE + 1000)];
	await remove(piece);
	const relist = jest.fn(async () => [first, piece]);
	expect(await failure(layOutWal(store, [first, piece], join(root, 'wal'), context, undefined, relist))).toMatchObject({ code: 'WAL_DAMAGED', message: expect.stringContaining('missing') });
	expect(relist).toHaveBeenCalledTimes(1);
	const hole = jest.fn(async () => [await archived(MEGABYTE + 500, MEGABYTE + 2000)]);
	expect(await failure(visitWal(store, [first, piece], hole, async ({ content }) => await (content === 'piece' ? Promise.reject(await damage()) : Promise.resolve())))).toMatchObject({ code: 'WAL_DAMAGED' });
	const whole = first.artifact.name;
	const key = store.keys('wal/').find((each) => each.endsWith(whole))!;
	store.objects.set(key, { content: Buffer.alloc(10), modifiedAt: new Date() });
	expect(await failure(layOutWal(store, [first], join(root, 'again'), context, undefined, relist))).toMatchObject({ code: 'WAL_DAMAGED' });
	expect(relist).toHaveBeenCalledTimes(1);
});

async function damage() {
	return await failure(layOutWal(store, [{ ...(await archived(0, MEGABYTE)), artifact: { ...(await archived(0, MEGABYTE)).artifact, name: 'nothing.zst' } }], join(root, 'other'), context));
}

test('a disk that takes fewer bytes than it was given gets the rest', async () => {
	const disk = Buffer.alloc(100);
	const handle = { write: jest.fn(async (bytes: Uint8Array, offset: number, length: number, position: number) => {
		const taken = Math.min(length, 7);
		disk.set(bytes.subarray(offset, offset + taken), position);
		return { bytesWritten: taken, buffer: bytes };
	}) };
	await writeFully(handle as unknown as Parameters<typeof writeFully>[0], LOG.subarray(0, 60), 20);
	expect(disk.subarray(20, 80).equals(LOG.subarray(0, 60))).toBe(true);
	expect(handle.write).toHaveBeenCalledTimes(9);
});
