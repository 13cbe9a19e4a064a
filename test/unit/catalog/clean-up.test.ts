import { NO_KEYS } from '../../../lib/core/keys';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUpStore } from '../../../lib/catalog/clean-up';
import { ownIdentity } from '../../../lib/catalog/lock-owner';
import { acquireLock } from '../../../lib/catalog/locks';
import { FolderStore } from '../../../lib/storage/folder-store';
import { NEVER, publishSmall, putText } from '../../support/backup-fixtures';

const context = { now: () => new Date(), randomBytes, signal: NEVER, progress: () => {}, keys: NO_KEYS, workFolder: '/nowhere' };
const DEAD = '20261101T000000Z-full-dead01';
const LIVE = '20261102T000000Z-full-live01';
const YOUNG = '20261103T000000Z-full-young1';
let root: string;
let store: FolderStore;

beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'clean-up-'));
	store = new FolderStore({ root, randomBytes });
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

/** Makes a file look as if it had been written two hours ago. */
async function age(path: string): Promise<void> {
	const then = new Date(Date.now() - 7_200_000);
	await utimes(join(root, path), then, then);
}

async function leave(path: string, old = true): Promise<void> {
	await mkdir(join(root, path, '..'), { recursive: true });
	await writeFile(join(root, path), '12345');
	if (old) await age(path);
}

test('finds and removes what dead runs left; the living, the young and the published stay', async () => {
	const whole = await publishSmall(store);
	await age(`backups/postgres/${whole.id}/manifest.json`);
	await leave(`backups/postgres/${whole.id}/.verification.json.0123456789ab.partial`);
	await leave(`backups/postgres/${DEAD}/database.dump.zst`);
	await leave(`backups/postgres/${DEAD}/.globals.sql.0123456789ab.partial`);
	await leave(`backups/postgres/${LIVE}/database.dump.zst`);
	await leave(`backups/postgres/${LIVE}/.more.zst.0123456789ab.partial`);
	await leave(`backups/postgres/${YOUNG}/database.dump.zst`, false);
	await leave('backups/postgres/notes/.x.0123456789ab.partial');
	await leave('locks/redis/broken.json');
	await acquireLock(store, context, { name: 'postgres', mode: 'exclusive', purpose: 'backing up crm', backupId: LIVE, waitSeconds: 0 });
	const lockOfDead = { formatVersion: 1, name: 'files', state: 'held', mode: 'exclusive', purpose: 'x', backupId: null, owner: { ...ownIdentity(), processStart: '1' } };
	const times = { acquiredAt: '2026-01-01T00:00:00Z', heartbeatAt: '2026-01-01T00:00:00Z', tookOverFrom: [] };
	await putText(store, 'locks/files/dead.json', JSON.stringify({ ...lockOfDead, ...times }));
	await age('locks/files/dead.json');
	await putText(store, 'locks/files/justdead.json', JSON.stringify({ ...lockOfDead, ...times }));

	const found = await cleanUpStore(store, context, { apply: false, olderThanMinutes: 60 });
	expect(found.applied).toBe(false);
	expect(found.leftovers.map(({ key, reason }) => [key, reason]).sort()).toEqual(
		[
			[`backups/postgres/${DEAD}/database.dump.zst`, expect.stringContaining('never published')],
			[`backups/postgres/${DEAD}/.globals.sql.0123456789ab.partial`, 'an interrupted write'],
			[`backups/postgres/${whole.id}/.verification.json.0123456789ab.partial`, 'an interrupted write'],
			['locks/files/dead.json', expect.stringContaining('which is gone')],
			['locks/redis/broken.json', expect.stringContaining('cannot be read')],
		].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
	);
	expect(await readdir(join(root, 'backups/postgres', DEAD))).toHaveLength(2);

	const removed = await cleanUpStore(store, context, { apply: true, olderThanMinutes: 60 });
	expect(removed.applied).toBe(true);
	expect(removed.leftovers).toHaveLength(5);
	expect(removed.freedBytes).toBe(removed.leftovers.reduce((sum, { bytes }) => sum + bytes, 0));
	expect((await readdir(join(root, 'backups/postgres'))).sort()).toEqual([LIVE, YOUNG, whole.id, 'notes'].sort());
	expect(await readdir(join(root, 'backups/postgres', LIVE))).toHaveLength(2);
	expect((await readdir(join(root, 'backups/postgres', whole.id))).sort()).toEqual(['database.dump', 'manifest.json']);
	expect(await readdir(join(root, 'locks/files'))).toEqual(['justdead.json']);
	expect((await cleanUpStore(store, context, { apply: true, olderThanMinutes: 60 })).leftovers).toEqual([]);
});

test('a run that publishes while the clean-up looks keeps its backup', async () => {
	await leave(`backups/postgres/${DEAD}/database.dump.zst`);
	const listFolders = store.listFolders.bind(store);
	store.listFolders = async (prefix) => {
		const folders = await listFolders(prefix);
		if (prefix === 'backups/postgres/') await publishSmall(store, { id: DEAD });
		return folders;
	};
	await age(`backups/postgres/${DEAD}/database.dump.zst`);
	expect((await cleanUpStore(store, context, { apply: true, olderThanMinutes: 0 })).leftovers).toEqual([]);
	expect(await readdir(join(root, 'backups/postgres', DEAD))).toContain('manifest.json');
});

test('removes WAL without a record, unless somebody writes into that archive', async () => {
	const folder = 'wal/7100000000000000001/00000001/';
	await leave(`${folder}000000010000000000000001.zst`);
	await leave(`${folder}000000010000000000000001.json`);
	await leave(`${folder}000000010000000000000002.zst.age`);
	await leave(`${folder}000000010000000000000003.zst`, false);
	await leave(`${folder}000000010000000000000004.json`);
	const lock = await acquireLock(store, context, { name: 'wal-7100000000000000001', mode: 'exclusive', purpose: 'archiving', waitSeconds: 0 });
	expect((await cleanUpStore(store, context, { apply: true, olderThanMinutes: 60 })).leftovers).toEqual([]);
	await lock.release();
	const expected = [{ key: `${folder}000000010000000000000002.zst.age`, bytes: 5, reason: 'WAL whose record was never written' }];
	expect((await cleanUpStore(store, context, { apply: false, olderThanMinutes: 60 })).leftovers).toEqual(expected);
	expect(await readdir(join(root, folder))).toHaveLength(5);
	expect((await cleanUpStore(store, context, { apply: true, olderThanMinutes: 60 })).leftovers).toEqual(expected);
	expect((await readdir(join(root, folder))).sort()).toEqual(['000000010000000000000001.json', '000000010000000000000001.zst', '000000010000000000000003.zst', '000000010000000000000004.json']);
});
