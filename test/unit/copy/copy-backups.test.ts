import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { publishBackup } from '../../../lib/backup/publish';
import { withBackupInUse } from '../../../lib/backup/use-backup';
import { readCopies } from '../../../lib/catalog/copies';
import { listBackups } from '../../../lib/catalog/list-backups';
import { listRecoveryPoints } from '../../../lib/catalog/list-recovery-points';
import { acquireLock } from '../../../lib/catalog/locks';
import type { Manifest } from '../../../lib/catalog/manifest';
import { recordVerification } from '../../../lib/catalog/record-verification';
import { NO_KEYS } from '../../../lib/core/keys';
import { copyBackups, type CopySelection } from '../../../lib/copy/copy-backups';
import { recordRecoveryPoint } from '../../../lib/recovery/record';
import { retentionPolicySchema } from '../../../lib/retention/policy';
import { prune } from '../../../lib/retention/prune';
import type { Store } from '../../../lib/storage/store';
import { checkArtifacts } from '../../../lib/verify/check-artifacts';
import { check, idAt, NEVER, publishSmall, putText, SOURCE } from '../../support/backup-fixtures';
import { someAtOnce, times } from '../../support/breadth';
import { chunks, rejection } from '../../support/bytes';
import { type FaultMode, FaultyStore } from '../../support/faulty-store';
import { MemoryStore } from '../../support/memory-store';

const context = { now: () => new Date('2026-11-22T12:00:00Z'), randomBytes, signal: NEVER, progress: () => {}, keys: NO_KEYS, workFolder: '/nowhere' };
const MISSING: CopySelection = { what: 'missing' };

class NamedStore extends MemoryStore {
	constructor(override readonly description: 'memory') {
		super();
	}
}
const named = (name: string) => new NamedStore(name as 'memory');

async function copy(source: Store, target: Store, selection: CopySelection = MISSING, options: { recheck?: boolean; signal?: AbortSignal } = {}) {
	const { recheck = false, signal = NEVER } = options;
	return await copyBackups({ source, target, recheck, lockWaitSeconds: 0 }, selection, { ...context, signal });
}

/** A real backup of two artifacts and RESTORE.txt. */
async function publishReal(store: Store, content = randomBytes(100_000)): Promise<Manifest> {
	return await publishBackup({ store, context, component: 'postgres', kind: 'full', sourceName: 'crm', lockWaitSeconds: 0 }, async (draft) => {
		await draft.writeArtifact({ name: 'database.dump.zst', role: 'dump', mediaType: 'application/zstd', compression: { algorithm: 'zstd', level: 1 } }, chunks(content));
		await draft.writeArtifact({ name: 'settings.json', role: 'settings', mediaType: 'application/json', compression: { algorithm: 'none' } }, chunks('{}'));
		return { source: SOURCE, instructions: 'zstd -d database.dump.zst\n' };
	});
}

/** A chain of backups of one day each, the newest last. */
async function publishChain(store: Store, length: number): Promise<Manifest[]> {
	const chain: Manifest[] = [];
	for (let day = 1; day <= length; day++) {
		const kind = day === 1 ? ('full' as const) : ('incremental' as const);
		const startedAt = `2026-10-${String(day).padStart(2, '0')}T02:00:00.000Z`;
		chain.push(await publishSmall(store, { startedAt, id: idAt(startedAt, kind), kind, parent: chain.at(-1)?.id ?? null }));
	}
	return chain;
}

const contents = (store: MemoryStore, prefix: string) => Object.fromEntries(store.keys(prefix).map((key) => [key, createHash('sha256').update(store.objects.get(key)!.content).digest('hex')]));
const ids = async (store: Store) => (await listBackups(store)).map(({ id }) => id);

test('a copy has the same bytes, manifest and all, passes its checks, and both stores know of each other', async () => {
	const source = named('folder /a');
	const target = named('folder /b');
	const manifest = await publishReal(source);
	const before = contents(source, 'backups/');
	const outcome = await copy(source, target, { what: 'backup', component: 'postgres', backup: { by: 'latest' } });
	expect(outcome).toMatchObject({ source: 'folder /a', target: 'folder /b', skipped: [], recoveryPoint: null, copiedBytes: manifest.storedBytes, copies: [{ outcome: 'copied', copiedBytes: manifest.storedBytes, reusedBytes: 0 }] });
	expect(contents(target, 'backups/')).toMatchObject(before);
	expect(await checkArtifacts(target, manifest, context)).toBe(manifest.storedBytes);
	expect(await checkArtifacts(source, manifest, context)).toBe(manifest.storedBytes);

	const at = { copiedAt: '2026-11-22T12:00:00.000Z', checkedAt: '2026-11-22T12:00:00.000Z' };
	expect((await listBackups(source))[0]).toMatchObject({ id: manifest.id, store: 'folder /a', copies: [{ store: 'folder /b', origin: false, ...at }] });
	expect((await listBackups(target))[0]).toMatchObject({ id: manifest.id, store: 'folder /b', copies: [{ store: 'folder /a', origin: true, ...at }] });
	expect(outcome.copies[0]?.backup).toEqual((await listBackups(target))[0]);
	for (const store of [source, target]) expect(store.keys('locks/')).toEqual([]);
});

test('three places: the first store knows both copies; a second copy of the same changes nothing', async () => {
	const [a, b, c] = [named('a'), named('b'), named('c')];
	const manifest = await publishReal(a);
	await copy(a, b);
	await copy(a, c);
	const before = contents(b, 'backups/');
	expect(await copy(a, b)).toMatchObject({ copiedBytes: 0, copies: [{ outcome: 'present' }] });
	expect(contents(b, 'backups/')).toEqual(before);
	expect((await readCopies(a, 'postgres', manifest.id))?.copies.map(({ store }) => store)).toEqual(['b', 'c']);
	const watched = new FaultyStore(b);
	await copy(new FaultyStore(a), watched);
	expect(watched.calls.filter((call) => /^(put|remove)/.test(call))).toEqual([]);
});

test('what a backup needs is copied before it; what is damaged or old is passed over', async () => {
	const source = named('a');
	const target = named('b');
	const chain = await publishChain(source, 3);
	const other = await publishSmall(source, { startedAt: '2025-01-01T00:00:00.000Z', id: idAt('2025-01-01T00:00:00Z') });
	const damaged = await publishSmall(source, { startedAt: '2026-11-01T00:00:00.000Z', id: idAt('2026-11-01T00:00:00Z') }, [check({ passed: false })]);
	const outcome = await copy(source, target, { what: 'missing', withinDays: 200 });
	expect(outcome.copies.map(({ backup }) => backup.id)).toEqual(chain.map(({ id }) => id));
	expect(outcome.skipped).toEqual([{ id: damaged.id, component: 'postgres', reason: expect.stringContaining('it is damaged') }]);
	expect(await ids(target)).not.toContain(other.id);

	const second = named('c');
	await copy(source, second, { what: 'backup', component: 'postgres', backup: { by: 'id', id: chain[1]!.id } });
	expect(await ids(second)).toEqual([chain[1]!.id, chain[0]!.id]);
});

test('a backup whose parent is gone is named and not copied; the others are', async () => {
	const source = named('a');
	const target = named('b');
	const orphan = await publishSmall(source, { kind: 'incremental', id: idAt('2026-11-20T00:00:00Z', 'incremental'), parent: idAt('2026-11-19T00:00:00Z') });
	const good = await publishSmall(source, { startedAt: '2026-11-18T00:00:00.000Z', id: idAt('2026-11-18T00:00:00Z') });
	const error = await rejection(copy(source, target));
	expect(error).toMatchObject({ code: 'CHAIN_INCOMPLETE', message: expect.stringContaining(orphan.id) });
	expect(await ids(target)).toEqual([good.id]);
});

test('damage in the source is found before anything of the backup can be seen in the target', async () => {
	const source = named('a');
	const target = named('b');
	const manifest = await publishReal(source);
	const key = `backups/postgres/${manifest.id}/database.dump.zst`;
	const bytes = Buffer.from(source.objects.get(key)!.content);
	bytes[1000] = bytes[1000]! ^ 1;
	source.objects.set(key, { content: bytes, modifiedAt: new Date() });
	expect(await rejection(copy(source, target))).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('in the source store (a) is damaged') });
	expect(await ids(target)).toEqual([]);
	expect(target.keys()).not.toContain(key);
});

test('a target that gives back other bytes is believed nothing', async () => {
	class Lossy extends NamedStore {
		override async put(...[key, stream, options]: Parameters<MemoryStore['put']>) {
			const written = await super.put(key, stream, options);
			const found = this.objects.get(key)!;
			if (key.endsWith('.zst')) this.objects.set(key, { ...found, content: Buffer.concat([found.content.subarray(0, -1), Buffer.from([0])]) });
			return written;
		}
	}
	const source = named('a');
	const target = new Lossy('b' as 'memory');
	await publishReal(source, Buffer.alloc(10_000, 'x'));
	expect(await rejection(copy(source, target))).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('The target store (b) gave back other bytes') });
	expect(await ids(target)).toEqual([]);
	expect(target.keys('backups/').filter((key) => key.endsWith('.zst'))).toEqual([]);
});

test('recheck reads a copy again and repairs what is damaged; without it only what is missing is noticed', async () => {
	const source = named('a');
	const target = named('b');
	const manifest = await publishReal(source);
	await copy(source, target);
	const key = `backups/postgres/${manifest.id}/database.dump.zst`;
	const good = target.objects.get(key)!;
	target.objects.set(key, { ...good, content: Buffer.alloc(good.content.length, 1) });
	expect((await copy(source, target)).copies[0]?.outcome).toBe('present');
	expect((await copy(source, target, MISSING, { recheck: true })).copies[0]).toMatchObject({ outcome: 'repaired', copiedBytes: good.content.length });
	expect(target.objects.get(key)!.content).toEqual(good.content);
	target.objects.delete(key);
	expect((await copy(source, target)).copies[0]?.outcome).toBe('repaired');
	await putText(target, `backups/postgres/${manifest.id}/manifest.json`, '{"half":');
	expect((await copy(source, target)).copies[0]?.outcome).toBe('repaired');
	expect(await checkArtifacts(target, manifest, context)).toBe(manifest.storedBytes);
	expect((await copy(source, target, MISSING, { recheck: true })).copies[0]?.outcome).toBe('present');
});

test('another backup under the same id is never overwritten', async () => {
	const source = named('a');
	const target = named('b');
	const { id } = await publishSmall(source);
	const there = await publishSmall(target, { id, note: 'another' });
	expect(await rejection(copy(source, target))).toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringContaining('another backup with the id') });
	expect((await listBackups(target))[0]).toMatchObject({ id: there.id, status: 'success' });
	expect(JSON.parse(target.objects.get(`backups/postgres/${id}/manifest.json`)!.content.toString())).toMatchObject({ note: 'another' });
});

test('two names of one place are not two copies', async () => {
	const source = named('folder /backups');
	await publishSmall(source);
	const sameByAnotherName = new Proxy(source, { get: (store, name) => (name === 'description' ? 'folder /mnt/backups' : Reflect.get(store, name, store)) });
	expect(await rejection(copy(source, sameByAnotherName))).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('the same store') });
	expect((await listBackups(source))[0]?.copies).toEqual([]);
});

describe('checks go along', () => {
	test('what was proven of the original is known of the copy, also when it was proven later', async () => {
		const source = named('a');
		const target = named('b');
		const manifest = await publishSmall(source, {}, [check({ level: 'checksum' })]);
		await copy(source, target);
		expect((await listBackups(target))[0]?.verified?.level).toBe('checksum');
		await recordVerification(source, context, manifest, check({ at: '2026-11-22T10:00:00.000Z' }));
		await copy(source, target);
		expect((await listBackups(target))[0]?.verified?.level).toBe('restore');
	});

	test('a failure of one store is not taken for one of the other, and no success elsewhere hides damage here', async () => {
		const source = named('a');
		const target = named('b');
		const manifest = await publishSmall(source, {}, [check()]);
		await copy(source, target);
		await recordVerification(source, context, manifest, check({ passed: false, at: '2026-11-22T10:00:00.000Z' }));
		await copy(source, target, { what: 'backup', component: 'postgres', backup: { by: 'id', id: manifest.id } });
		expect((await listBackups(target))[0]).toMatchObject({ status: 'success' });
		await recordVerification(target, context, manifest, check({ passed: false, at: '2026-11-22T11:00:00.000Z' }));
		await recordVerification(source, context, manifest, check({ at: '2026-11-22T11:30:00.000Z' }));
		await copy(source, target);
		expect((await listBackups(target))[0]).toMatchObject({ status: 'damaged' });
	});
});

describe('others at work', () => {
	test('a backup of the component that runs in the target is not disturbed, and told of', async () => {
		const source = named('a');
		const target = named('b');
		await publishSmall(source);
		await acquireLock(target, context, { name: 'postgres', mode: 'exclusive', purpose: 'backing up erp', waitSeconds: 0 });
		expect(await rejection(copy(source, target))).toMatchObject({ code: 'LOCK_HELD', message: expect.stringContaining('backing up erp') });
		expect(target.keys('backups/')).toEqual([]);
	});

	test('a backup that begins in the target meanwhile waits, so its removal of leftovers takes nothing of the copy', async () => {
		const source = named('a');
		const target = named('b');
		const manifest = await publishReal(source);
		const refused: unknown[] = [];
		const put = target.put.bind(target);
		target.put = async (key, stream, options) => {
			const written = await put(key, stream, options);
			if (key.startsWith('backups/')) refused.push(await rejection(publishReal(target)));
			return written;
		};
		await copy(source, target);
		expect(refused.length).toBeGreaterThan(3);
		for (const error of refused) expect(error).toMatchObject({ code: 'LOCK_HELD', message: expect.stringContaining(`copying backup ${manifest.id}`) });
		expect(await checkArtifacts(target, manifest, context)).toBe(manifest.storedBytes);
	});

	test('nothing of a chain is pruned while it is copied, in neither store', async () => {
		const source = named('a');
		const target = named('b');
		const chain = await publishChain(source, 3);
		// Younger ones of the same series, verified, so that nothing but its use keeps the old chain.
		const young = idAt('2026-11-22T02:00:00Z');
		const child = { startedAt: '2026-11-22T03:00:00.000Z', kind: 'incremental' as const, id: idAt('2026-11-22T03:00:00Z', 'incremental'), parent: young };
		for (const store of [source, target]) {
			await publishSmall(store, { id: young }, [check()]);
			await publishSmall(store, child, [check()]);
		}
		const policy = retentionPolicySchema.parse({ keepDays: 1, keepLastVerified: 1 });
		const put = target.put.bind(target);
		let pruned = 0;
		target.put = async (key, stream, options) => {
			if (/backups\/.*(dump|manifest)/.test(key)) {
				for (const store of [source, target]) pruned += (await prune(store, context, { policy, apply: true })).deleted.length;
			}
			return await put(key, stream, options);
		};
		await copy(source, target, { what: 'backup', component: 'postgres', backup: { by: 'id', id: chain[2]!.id } });
		expect(pruned).toBe(0);
		expect((await ids(target)).slice(2)).toEqual(chain.map(({ id }) => id).reverse());
		expect(await ids(source)).toHaveLength(5);
		expect((await prune(source, context, { policy, apply: true })).deleted).toHaveLength(3);
	});

	test('when the lock of the target was lost, nothing is published', async () => {
		const source = named('a');
		const target = named('b');
		await publishReal(source);
		const put = target.put.bind(target);
		target.put = async (key, stream, options) => {
			if (key.endsWith('RESTORE.txt')) for (const lock of target.keys('locks/postgres/')) await target.remove(lock);
			return await put(key, stream, options);
		};
		expect(await rejection(copy(source, target))).toMatchObject({ code: 'LOCK_LOST' });
		expect(await ids(target)).toEqual([]);
	});

	test('who deletes the source waits for the copy', async () => {
		const source = named('a');
		const manifest = await publishSmall(source);
		await acquireLock(source, context, { name: `use.${manifest.id}`, mode: 'exclusive', purpose: 'deleting it', waitSeconds: 0 });
		const ended = copyBackups({ source, target: named('b'), recheck: false, lockWaitSeconds: 0 }, MISSING, { ...context, signal: AbortSignal.timeout(300) });
		expect(await rejection(ended)).toBeDefined();
		expect(await rejection(withBackupInUse(source, { ...context, signal: AbortSignal.timeout(50) }, manifest, async () => 'x'))).toBeDefined();
	});
});

/** Whatever is listed in the target must be whole. */
async function everythingListedIsWhole(target: MemoryStore, manifests: readonly Manifest[]): Promise<void> {
	for (const { id, status, parent } of await listBackups(target)) {
		expect(status).toBe('success');
		await checkArtifacts(target, manifests.find((manifest) => manifest.id === id)!, context);
		if (parent !== null) expect(await ids(target)).toContain(parent);
	}
}

test('the source or the target fails at any call: nothing half is seen, and the next copy finishes it', async () => {
	const counted = async (faulty: 'source' | 'target') => {
		const inner = { source: named('a'), target: named('b') };
		await publishChain(inner.source, 2);
		const stores = { ...inner, [faulty]: new FaultyStore(inner[faulty]) };
		await copy(stores.source, stores.target);
		return (stores[faulty] as unknown as FaultyStore).calls.length;
	};
	let tried = 0;
	for (const faulty of ['source', 'target'] as const) {
		const calls = await counted(faulty);
		for (const mode of ['before', 'midway', 'after'] as FaultMode[]) {
			const positions = Array.from({ length: calls }, (_, index) => index + 1).filter((position) => mode !== 'midway' || position % 3 === 1);
			for (const position of someAtOnce(positions, 4)) {
				const inner = { source: named('a'), target: named('b') };
				const chain = await publishChain(inner.source, 2);
				const stores = { ...inner, [faulty]: new FaultyStore(inner[faulty], { position, mode, lasting: position % 2 === 0 }) };
				await copy(stores.source, stores.target).catch(() => undefined);
				await everythingListedIsWhole(inner.target, chain);
				const later = { ...context, now: () => new Date('2026-11-22T13:00:00Z') };
				for (const store of [inner.source, inner.target]) store.now = () => new Date(Date.now() + 200_000);
				await copyBackups({ ...inner, recheck: false, lockWaitSeconds: 0 }, MISSING, later);
				expect(await ids(inner.target)).toEqual([chain[1]!.id, chain[0]!.id]);
				await everythingListedIsWhole(inner.target, chain);
				expect((await listBackups(inner.source)).map(({ copies }) => copies.map(({ store }) => store))).toEqual([['b'], ['b']]);
				tried++;
			}
		}
	}
	expect(tried).toBeGreaterThan(times(100, 100, 20));
}, 60_000);

test('stopped again and again at random, a copy makes progress and never copies a finished file twice', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }), async (stops) => {
			const source = named('a');
			const target = named('b');
			const manifest = await publishReal(source, randomBytes(5000));
			const puts: string[] = [];
			for (const stop of stops) {
				const controller = new AbortController();
				let calls = 0;
				const watch = (store: MemoryStore) =>
					new Proxy(store, {
						get: (inner, name) => {
							const value: unknown = Reflect.get(inner, name, inner);
							if (typeof value !== 'function') return value;
							return (...args: unknown[]) => {
								if (++calls >= stop) controller.abort();
								const result = (value as (...all: unknown[]) => unknown).apply(inner, args);
								if (name === 'put' && String(args[0]).startsWith('backups/')) void (result as Promise<unknown>).then(() => puts.push(String(args[0])), () => undefined);
								return result;
							};
						},
					});
				await copy(watch(source), watch(target), MISSING, { signal: controller.signal }).catch(() => undefined);
				await everythingListedIsWhole(target, [manifest]);
				expect(target.keys('locks/')).toEqual([]);
			}
			const last = await copy(source, target);
			expect(await ids(target)).toEqual([manifest.id]);
			await everythingListedIsWhole(target, [manifest]);
			const artifacts = puts.filter((key) => /dump|settings|RESTORE/.test(key));
			expect(new Set(artifacts).size).toBe(artifacts.length);
			const [only] = last.copies;
			if (only?.outcome === 'copied') expect(only.copiedBytes + only.reusedBytes).toBe(manifest.storedBytes);
		}),
		{ numRuns: times(200, 60, 10) },
	);
}, 60_000);

describe('a recovery point', () => {
	test('its members and then its manifest, byte for byte; in the target it is complete', async () => {
		const source = named('a');
		const target = named('b');
		const chain = await publishChain(source, 2);
		const redis = await publishSmall(source, { component: 'redis', id: idAt('2026-11-22T02:01:00Z') });
		const members = [{ component: 'postgres' as const, id: chain[1]!.id }, { component: 'redis' as const, id: redis.id }];
		const point = await recordRecoveryPoint(source, { name: 'weekly', members, since: null, failures: [], expected: [], failWhenIncomplete: true }, context);
		const outcome = await copy(source, target, { what: 'recoveryPoint', recoveryPoint: { by: 'latest' } });
		expect(outcome).toMatchObject({ recoveryPoint: point.id, skipped: [] });
		expect(outcome.copies).toHaveLength(3);
		expect(contents(target, 'sets/')).toEqual(contents(source, 'sets/'));
		expect(await listRecoveryPoints(target)).toMatchObject([{ id: point.id, complete: true, store: 'b' }]);
	});

	test('with a member that is gone it is copied all the same and shows as incomplete', async () => {
		const source = named('a');
		const target = named('b');
		const [first] = await publishChain(source, 1);
		const gone = await publishSmall(source, { component: 'redis', id: idAt('2026-11-22T02:01:00Z') });
		const members = [{ component: 'postgres' as const, id: first!.id }, { component: 'redis' as const, id: gone.id }];
		await recordRecoveryPoint(source, { name: '', members, since: null, failures: [], expected: [], failWhenIncomplete: false }, context);
		for (const key of source.keys('backups/redis/')) await source.remove(key);
		const outcome = await copy(source, target, { what: 'recoveryPoint', recoveryPoint: { by: 'latest' } });
		expect(outcome.skipped).toMatchObject([{ id: gone.id }]);
		expect(await listRecoveryPoints(target)).toMatchObject([{ complete: false, state: expect.stringContaining(`${gone.id} (redis) is no longer in this store`) }]);
		expect(await rejection(copy(source, target, { what: 'recoveryPoint', recoveryPoint: { by: 'latestComplete' } }))).toMatchObject({ code: 'BACKUP_NOT_FOUND' });
	});
});
