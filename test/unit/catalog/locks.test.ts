import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFolder } from '../../../lib/catalog/layout';
import { isSurelyDead, type LockOwner, ownIdentity } from '../../../lib/catalog/lock-owner';
import type { LockRecord } from '../../../lib/catalog/lock-record';
import { acquireLock, type LockRequest } from '../../../lib/catalog/locks';
import { writeSmallObject } from '../../../lib/catalog/small-object';
import { withLock } from '../../../lib/catalog/with-lock';
import { FolderStore } from '../../../lib/storage/folder-store';
import type { Store } from '../../../lib/storage/store';
import { NEVER, putText } from '../../support/backup-fixtures';
import { times } from '../../support/breadth';
import { rejection } from '../../support/bytes';
import { FaultyStore } from '../../support/faulty-store';
import { MemoryStore } from '../../support/memory-store';

const context = { now: () => new Date(), randomBytes, signal: NEVER, progress: () => {} };
const exclusive: LockRequest = { name: 'postgres', mode: 'exclusive', purpose: 'backing up crm', waitSeconds: 0 };
const shared: LockRequest = { ...exclusive, mode: 'shared', purpose: 'reading crm' };

/** A process of a machine that is not this one: only its heartbeat tells whether it lives. */
const ELSEWHERE: LockOwner = { host: 'other-host', pid: 4711, bootId: 'b', pidNamespace: 'n', processStart: '1' };

async function putLock(store: Store, ownerId: string, changes: Partial<LockRecord> = {}): Promise<string> {
	const key = `${lockFolder('postgres')}${ownerId}.json`;
	const now = new Date().toISOString();
	const record: LockRecord = {
		formatVersion: 1,
		name: 'postgres',
		state: 'held',
		mode: 'exclusive',
		purpose: 'backing up erp',
		backupId: null,
		owner: ELSEWHERE,
		acquiredAt: now,
		heartbeatAt: now,
		tookOverFrom: [],
		...changes,
	};
	await writeSmallObject(store, key, record, { signal: NEVER });
	return key;
}

describe('one after the other', () => {
	test('a second one is told who holds it; after the release it gets it, and nothing is left', async () => {
		const store = new MemoryStore();
		const lock = await acquireLock(store, context, { ...exclusive, backupId: '20261122T020000Z-full-aaaaaa' });
		const error = await rejection(acquireLock(store, context, exclusive));
		expect(error).toMatchObject({ code: 'LOCK_HELD', hint: expect.stringContaining('90 seconds') });
		expect(error.message).toContain(`process ${process.pid} on ${ownIdentity().host}, which is backing up crm since `);
		expect(error.message).toContain('last heard of at');
		await lock.release();
		expect(store.keys()).toEqual([]);
		await (await acquireLock(store, context, exclusive)).release();
	});

	test('locks of other names are no obstacle', async () => {
		const store = new MemoryStore();
		await acquireLock(store, context, exclusive);
		await acquireLock(store, context, { ...exclusive, name: 'redis' });
	});

	test('readers share, a writer does not join them, nor they it', async () => {
		const store = new MemoryStore();
		const readers = [await acquireLock(store, context, shared), await acquireLock(store, context, shared)];
		expect(await rejection(acquireLock(store, context, exclusive))).toMatchObject({ code: 'LOCK_HELD' });
		for (const reader of readers) await reader.release();
		const writer = await acquireLock(store, context, exclusive);
		expect(await rejection(acquireLock(store, context, shared))).toMatchObject({ code: 'LOCK_HELD' });
		await writer.release();
	});

	test('waits as long as it was told', async () => {
		const store = new MemoryStore();
		const first = await acquireLock(store, context, exclusive);
		setTimeout(() => void first.release(), 300);
		const second = await acquireLock(store, context, { ...exclusive, waitSeconds: 20 });
		await second.stillHeld();
		const started = performance.now();
		expect(await rejection(acquireLock(store, context, { ...exclusive, waitSeconds: 0.3 }))).toMatchObject({ code: 'LOCK_HELD' });
		expect(performance.now() - started).toBeGreaterThan(250);
	});

	test('waiting can be cancelled and leaves no file', async () => {
		const store = new MemoryStore();
		await acquireLock(store, context, exclusive);
		const controller = new AbortController();
		setTimeout(() => controller.abort(), 30);
		const waiting = acquireLock(store, { ...context, signal: controller.signal }, { ...exclusive, waitSeconds: 60 });
		expect(await rejection(waiting)).toMatchObject({ code: 'CANCELLED' });
		expect(store.keys()).toHaveLength(1);
	});
});

describe('dead holders', () => {
	test('a heartbeat of 91 seconds ago by the store\'s clock: taken over, whatever our own clock says', async () => {
		const store = new MemoryStore();
		const storeTime = Date.parse('2001-01-01T00:00:00Z');
		store.now = () => new Date(storeTime);
		const key = await putLock(store, '0dead');
		store.now = () => new Date(storeTime + 89_000);
		expect(await rejection(acquireLock(store, context, exclusive))).toMatchObject({
			code: 'LOCK_HELD',
			message: expect.stringContaining('process 4711 on other-host, which is backing up erp'),
		});
		store.now = () => new Date(storeTime + 91_000);
		const lock = await acquireLock(store, context, exclusive);
		expect(lock.tookOverFrom).toEqual(['0dead']);
		expect(store.objects.has(key)).toBe(false);
		await lock.release();
	});

	test('a process of this machine that is gone: taken over at once', async () => {
		const store = new MemoryStore();
		const child = spawn(process.execPath, ['-e', '']);
		await once(child, 'exit');
		await putLock(store, '0gone', { owner: { ...ownIdentity(), pid: child.pid ?? 0 } });
		expect((await acquireLock(store, context, exclusive)).tookOverFrom).toEqual(['0gone']);
	});

	test('a process id that was given away again is not the holder', () => {
		expect(isSurelyDead({ ...ownIdentity(), processStart: '1' })).toBe(true);
		expect(isSurelyDead(ownIdentity())).toBe(false);
		expect(isSurelyDead({ ...ownIdentity(), pid: 2 ** 22 + 1 })).toBe(true);
		expect(isSurelyDead({ ...ownIdentity(), pid: 2 ** 22 + 1, pidNamespace: 'another container' })).toBe(false);
		expect(isSurelyDead({ ...ownIdentity(), pid: 2 ** 22 + 1, bootId: '' })).toBe(false);
	});

	test('a killed process whose exit code nobody asks for is not the holder either', async () => {
		// The shell becomes a program that never asks after the child it inherited.
		const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
		try {
			const [output] = (await once(parent.stdout, 'data')) as [Buffer];
			const pid = Number(output.toString());
			const state = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.[0];
			while ((await state()) !== 'Z') await sleep(10);
			expect(isSurelyDead({ ...ownIdentity(), pid, processStart: '' })).toBe(true);
		} finally {
			parent.kill('SIGKILL');
		}
	});

	test('a lock file that cannot be read stands in the way until it is old', async () => {
		const store = new MemoryStore();
		await putText(store, `${lockFolder('postgres')}0broken.json`, '{"half');
		expect(await rejection(acquireLock(store, context, shared))).toMatchObject({ code: 'LOCK_HELD', message: expect.stringContaining('0broken.json') });
		store.now = () => new Date(Date.now() + 100_000);
		expect((await acquireLock(store, context, shared)).tookOverFrom).toEqual(['0broken']);
	});
});

describe('a lock that is lost', () => {
	test('its file vanished: the signal fires, and stillHeld says so', async () => {
		const store = new MemoryStore();
		const lock = await acquireLock(store, context, exclusive);
		await lock.stillHeld();
		store.objects.clear();
		expect(await rejection(lock.stillHeld())).toMatchObject({ code: 'LOCK_LOST', message: expect.stringContaining('vanished') });
		expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
		expect(await rejection(lock.stillHeld())).toMatchObject({ code: 'LOCK_LOST' });
		expect(store.keys()).toEqual([]);
	});

	test('a holder that stood still and writes its file once more is not taken for the new one', async () => {
		const store = new MemoryStore();
		const sleeper = await acquireLock(store, context, exclusive);
		const [key = ''] = store.keys();
		const file = store.objects.get(key);
		store.objects.set(key, { content: Buffer.from(JSON.stringify({ ...JSON.parse(String(file?.content)), owner: ELSEWHERE })), modifiedAt: new Date(0) });
		const heir = await acquireLock(store, context, exclusive);
		expect(heir.tookOverFrom).toHaveLength(1);
		// The sleeper's heartbeat had passed its look for the file just before it was removed.
		if (file) store.objects.set(key, file);
		expect(await rejection(sleeper.stillHeld())).toMatchObject({ code: 'LOCK_LOST', message: expect.stringContaining(`process ${process.pid}`) });
		await heir.stillHeld();
		expect(store.keys()).toHaveLength(1);
	});

	test('a silence so long that anybody may have held the lock meanwhile', async () => {
		const store = new MemoryStore();
		const lock = await acquireLock(store, context, exclusive);
		store.now = () => new Date(Date.now() + 95_000);
		expect(await rejection(lock.stillHeld())).toMatchObject({ code: 'LOCK_LOST', message: expect.stringMatching(/for 9\d seconds/) });
	});

	test('withLock hands the loss to the body and releases', async () => {
		const store = new MemoryStore();
		const error = await rejection(
			withLock(store, context, exclusive, async (lock, signal) => {
				store.objects.clear();
				await lock.stillHeld().catch(() => undefined);
				signal.throwIfAborted();
			}),
		);
		expect(error).toMatchObject({ code: 'LOCK_LOST' });
	});

	test('a release that fails is reported, and the work still counts', async () => {
		const inner = new MemoryStore();
		const steps: string[] = [];
		const probe = new FaultyStore(inner);
		await withLock(probe, context, exclusive, async () => 'done');
		const store = new FaultyStore(inner, { position: probe.calls.length, mode: 'before' });
		const result = await withLock(store, { ...context, progress: ({ step }) => steps.push(step) }, exclusive, async () => 'done');
		expect(result).toBe('done');
		expect(steps).toEqual([expect.stringContaining('could not be released')]);
	});
});

test('the heartbeat writes the file again and again, and survives a store that is away for a moment', async () => {
	jest.useFakeTimers({ doNotFake: ['performance'] });
	try {
		const store = new MemoryStore();
		const lock = await acquireLock(store, context, exclusive);
		const written = () => [...store.objects.values()][0]?.modifiedAt.getTime() ?? 0;
		const first = written();
		await jest.advanceTimersByTimeAsync(15_000);
		expect(written()).toBeGreaterThanOrEqual(first + 15_000);
		const put = store.put.bind(store);
		store.put = async () => await Promise.reject(new Error('away'));
		await jest.advanceTimersByTimeAsync(15_000);
		expect(lock.signal.aborted).toBe(false);
		store.put = put;
		await jest.advanceTimersByTimeAsync(15_000);
		expect(written()).toBeGreaterThanOrEqual(first + 45_000);
		await lock.release();
		await jest.advanceTimersByTimeAsync(60_000);
		expect(store.keys()).toEqual([]);
	} finally {
		jest.useRealTimers();
	}
});

describe('several at once', () => {
	/** Real delays of random length around every step of the store, different in every round. */
	const shuffled = (store: MemoryStore) => (store.delay = async () => await sleep(Math.random() * 6));

	test('never two exclusive holders, however the steps fall, and everybody gets a turn', async () => {
		for (let round = 0; round < times(12, 6, 2); round++) {
			const store = new MemoryStore();
			shuffled(store);
			let holders = 0;
			let turns = 0;
			await Promise.all(
				Array.from({ length: 4 }, async () => {
					await withLock(store, context, { ...exclusive, waitSeconds: 60 }, async () => {
						expect(++holders).toBe(1);
						await sleep(Math.random() * 10);
						turns++;
						holders--;
					});
				}),
			);
			expect(turns).toBe(4);
			expect(store.keys()).toEqual([]);
		}
	}, 120_000);

	test('two that start in the same moment and wait for nobody: one runs, never both, never none', async () => {
		for (let round = 0; round < times(30, 15, 4); round++) {
			const store = new MemoryStore();
			shuffled(store);
			const results = await Promise.allSettled([acquireLock(store, context, exclusive), acquireLock(store, context, exclusive)]);
			expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
			const refused = results.find((result) => result.status === 'rejected');
			expect(refused?.reason).toMatchObject({ code: 'LOCK_HELD' });
			for (const result of results) if (result.status === 'fulfilled') await result.value.release();
		}
	}, 120_000);

	test('several that find the same dead holder: one takes over, never two', async () => {
		for (let round = 0; round < times(20, 10, 3); round++) {
			const store = new MemoryStore();
			store.now = () => new Date(0);
			await putLock(store, '5dead');
			store.now = () => new Date();
			shuffled(store);
			let holders = 0;
			const results = await Promise.allSettled(
				Array.from({ length: 3 }, async () => {
					const lock = await acquireLock(store, context, exclusive);
					expect(++holders).toBe(1);
					await lock.stillHeld();
				}),
			);
			expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
		}
	}, 120_000);

	test('readers and a writer never meet', async () => {
		for (let round = 0; round < times(10, 5, 2); round++) {
			const store = new MemoryStore();
			shuffled(store);
			let readers = 0;
			let writers = 0;
			const read = async () =>
				await withLock(store, context, { ...shared, waitSeconds: 60 }, async () => {
					readers++;
					expect(writers).toBe(0);
					await sleep(5);
					expect(writers).toBe(0);
					readers--;
				});
			const write = async () =>
				await withLock(store, context, { ...exclusive, waitSeconds: 60 }, async () => {
					writers++;
					expect([readers, writers]).toEqual([0, 1]);
					await sleep(5);
					expect([readers, writers]).toEqual([0, 1]);
					writers--;
				});
			await Promise.all([read(), write(), read(), write()]);
		}
	}, 120_000);
});

describe('real processes', () => {
	let root: string;
	const children: ChildProcess[] = [];
	beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'locks-'))));
	afterEach(async () => {
		for (const child of children.splice(0)) child.kill('SIGKILL');
		await rm(root, { recursive: true, force: true });
	});

	async function holder(): Promise<ChildProcess> {
		const child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, '../../support/workers/hold-lock.ts'), root], { stdio: ['ignore', 'pipe', 'inherit'] });
		children.push(child);
		for await (const line of child.stdout ?? []) if (String(line).includes('held')) break;
		return child;
	}

	test('kill -9 of a holder: the next one takes over at once', async () => {
		const store = new FolderStore({ root, randomBytes });
		const child = await holder();
		const held = await rejection(acquireLock(store, context, exclusive));
		expect(held).toMatchObject({ code: 'LOCK_HELD', message: expect.stringContaining(`process ${child.pid} on`) });
		child.kill('SIGKILL');
		await once(child, 'exit');
		const lock = await acquireLock(store, context, exclusive);
		expect(lock.tookOverFrom).toHaveLength(1);
		await lock.release();
	}, 60_000);
});
