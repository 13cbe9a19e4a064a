import { holdRetention, liftRetentionHold } from '../../../lib/catalog/retention-hold';
import { retentionPolicySchema } from '../../../lib/retention/policy';
import { prune as pruneBackups } from '../../../lib/retention/prune';
import { pruneWal } from '../../../lib/retention/prune-wal';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { archive, archiveHistory, publishBase, SYSTEM } from '../../support/wal-fixtures';

const START = Date.UTC(2026, 10, 22);
const MINUTE = 60_000;

let store: MemoryStore;
let context: TestContext;
beforeEach(async () => {
	store = new MemoryStore();
	context = await testContext({ now: () => store.now() });
});
afterEach(async () => await context.remove());

/** A megabyte of log a minute. */
async function archiveByClock(from: number, to: number, timeline = 1): Promise<void> {
	for (let at = from; at < to; at++) {
		store.now = () => new Date(START + (at + 1) * MINUTE);
		await archive(store, at, at + 1, { timeline });
	}
}

const prune = async (options: Partial<Parameters<typeof pruneWal>[2]> = {}) => await pruneWal(store, context, { windowHours: 0.5, apply: true, ...options });
const numbers = (timeline = 1) => [...new Set(store.keys(`wal/${SYSTEM}/${timeline.toString().padStart(8, '0')}/`).map((key) => Number.parseInt(/([0-9A-F]{8})\.(?:zst|json)$/.exec(key)?.[1] ?? 'x', 16)).filter(Number.isFinite))];

test('plans first, then deletes records and bytes of what neither the window nor a base needs', async () => {
	await archiveByClock(0, 100);
	await publishBase(store, 10, 12);
	await publishBase(store, 50, 52);
	await publishBase(store, 80, 81);
	const before = store.keys();
	const planned = await prune({ apply: false });
	expect(planned).toMatchObject({ applied: false, deleted: 0, servers: [{ systemIdentifier: SYSTEM, toDelete: 10 + 37 }] });
	expect(planned.servers[0]!.spans.map(({ action, objects }) => [action, objects])).toEqual([['delete', 10], ['keep', 3], ['delete', 37], ['keep', 50]]);
	expect(store.keys().filter((key) => !key.startsWith('locks/'))).toEqual(before);

	const done = await prune();
	expect(done).toMatchObject({ applied: true, deleted: 47 });
	expect(done.freedBytes).toBeGreaterThan(1000);
	expect(numbers()).toEqual([10, 11, 12, ...Array.from({ length: 50 }, (_, n) => 50 + n)]);
	// Both objects of each that is left, and nothing more to do.
	expect(store.keys(`wal/${SYSTEM}/`)).toHaveLength(2 * 53);
	expect(await prune()).toMatchObject({ deleted: 0 });
});

test('keeps what the store protects, and everything while retention is on hold or a manifest cannot be read', async () => {
	await archiveByClock(0, 60);
	const base = await publishBase(store, 20, 21);
	const locked = store.keys(`wal/${SYSTEM}/`).find((key) => key.endsWith('.zst'))!;
	store.protections.set(locked, { until: new Date(START + 999 * MINUTE) });
	await holdRetention(store, { since: new Date(START).toISOString(), by: 'person', reason: 'somebody looks at it' }, context.signal);
	expect(await prune()).toMatchObject({ applied: false, deleted: 0, hold: { reason: 'somebody looks at it' } });
	await liftRetentionHold(store, new Date(START), context.signal);

	const manifest = `backups/postgres/${base.id}/manifest.json`;
	const { content } = store.objects.get(manifest)!;
	store.objects.set(manifest, { content: Buffer.from('{'), modifiedAt: new Date() });
	expect(await prune()).toMatchObject({ applied: true, deleted: 0 });
	store.objects.set(manifest, { content, modifiedAt: new Date() });
	expect(await prune()).toMatchObject({ applied: true, deleted: 19 });
	expect(numbers()[0]).toBe(0);
	expect(store.objects.has(locked)).toBe(true);
});

test('follows timelines: the base backup before the switch stays until the new timeline has one before the window', async () => {
	await archiveByClock(0, 50);
	await publishBase(store, 10, 11);
	await archiveHistory(store, 2, [[1, 49.5]]);
	await archiveByClock(49, 100, 2);
	expect((await prune()).deleted).toBe(10);
	await publishBase(store, 60, 61, { timeline: 2 });
	// What makes the first base consistent stays with it: its segment and the one in which it ended.
	expect((await prune()).deleted).toBe(38 + 11);
	expect(numbers(1)).toEqual([10, 11]);
	expect(numbers(2)[0]).toBe(60);
	expect(store.keys().some((key) => key.endsWith('00000002.history.json'))).toBe(true);
});

test('the base backup with which the window begins stays, however short base backups are kept', async () => {
	await archiveByClock(0, 100);
	const bases = [await publishBase(store, 10, 12), await publishBase(store, 50, 52), await publishBase(store, 60, 61), await publishBase(store, 95, 96)];
	const policy = retentionPolicySchema.parse({ keepLastVerified: 1, keepDays: 0 });
	const pruneBases = async (walWindowHours?: number) => await pruneBackups(store, context, { policy, apply: false, ...(walWindowHours !== undefined && { walWindowHours }) });
	const kept = async (hours?: number) => (await pruneBases(hours)).decisions.filter(({ action }) => action === 'keep').map(({ id }) => id).sort();
	// An hour and a half of log, so nobody's base backup is before the 24 hours that hold where nobody says otherwise.
	expect(await kept()).toEqual(bases.map(({ id }) => id));
	expect(await kept(0.5)).toEqual([bases[2]!.id, bases[3]!.id]);
	expect((await pruneBases(0.5)).decisions.find(({ id }) => id === bases[2]!.id)).toMatchObject({ reasons: ['with it begins the WAL window of 0.5 hours'] });
	// Half an hour ago the window began with another one, so nothing is overdue that had to stay then.
	const overdue = await pruneBackups(store, context, { policy, apply: false, walWindowHours: 0.5, overdueHours: 0.3 });
	expect(overdue.decisions.filter(({ action }) => action === 'delete').map(({ id }) => id)).toEqual([bases[0]!.id]);
});

test('of a store without WAL there is nothing to say, of a server that is not there it says so', async () => {
	expect(await prune()).toMatchObject({ servers: [], deleted: 0 });
	expect(await failure(prune({ systemIdentifier: '9' }))).toMatchObject({ code: 'BACKUP_NOT_FOUND' });
});
