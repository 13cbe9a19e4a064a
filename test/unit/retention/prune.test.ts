import { NO_KEYS } from '../../../lib/core/keys';
import { randomBytes } from 'node:crypto';
import { withBackupInUse } from '../../../lib/backup/use-backup';
import { lastRunKey } from '../../../lib/catalog/layout';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { listBackups } from '../../../lib/catalog/list-backups';
import { listRecoveryPoints } from '../../../lib/catalog/list-recovery-points';
import { acquireLock } from '../../../lib/catalog/locks';
import type { Manifest } from '../../../lib/catalog/manifest';
import { seriesOf } from '../../../lib/catalog/series';
import { recordRecoveryPoint } from '../../../lib/recovery/record';
import { retentionPolicySchema } from '../../../lib/retention/policy';
import { prune } from '../../../lib/retention/prune';
import type { Store } from '../../../lib/storage/store';
import { check, idAt, NEVER, publishSmall, putText } from '../../support/backup-fixtures';
import { rejection } from '../../support/bytes';
import { FaultyStore } from '../../support/faulty-store';
import { MemoryStore } from '../../support/memory-store';

const context = { now: () => new Date('2026-11-22T12:00:00Z'), randomBytes, signal: NEVER, progress: () => {}, keys: NO_KEYS, workFolder: '/nowhere' };
const policy = retentionPolicySchema.parse({ keepLastVerified: 2, keepDays: 3 });
const apply = { policy, apply: true };

/** A verified backup of each of the last `count` days, the newest first. */
async function seed(store: Store, count: number, kind: 'full' | 'extract' = 'full'): Promise<Manifest[]> {
	const manifests: Manifest[] = [];
	for (let age = 0; age < count; age++) {
		const startedAt = new Date(Date.parse('2026-11-22T02:00:00Z') - age * 86_400_000).toISOString();
		manifests.push(await publishSmall(store, { startedAt, kind, id: idAt(startedAt, kind) }, [check()]));
	}
	return manifests;
}

const ids = async (store: Store) => (await listBackups(store)).map(({ id }) => id);

test('a plan changes nothing', async () => {
	const store = new MemoryStore();
	await seed(store, 5);
	const before = store.keys();
	const outcome = await prune(store, context, { policy, apply: false });
	expect(outcome).toMatchObject({ applied: false, deleted: [], freedBytes: 0 });
	expect(outcome.decisions.map(({ action }) => action)).toEqual(['keep', 'keep', 'keep', 'delete', 'delete']);
	expect(store.keys()).toEqual(before);
});

test('applied: what the plan says goes, with every file, and nothing else', async () => {
	const store = new MemoryStore();
	const backups = await seed(store, 5);
	await putText(store, `backups/postgres/${backups[4]?.id}/added-by-hand.txt`, 'x');
	const bytes = store.keys(`backups/postgres/${backups[4]?.id}/`).concat(store.keys(`backups/postgres/${backups[3]?.id}/`)).reduce((sum, key) => sum + (store.objects.get(key)?.content.length ?? 0), 0);
	const outcome = await prune(store, context, apply);
	expect(outcome).toMatchObject({ applied: true, deleted: [backups[3]?.id, backups[4]?.id], freedBytes: bytes });
	expect(await ids(store)).toEqual(backups.slice(0, 3).map(({ id }) => id));
	expect(store.keys('locks/')).toEqual([]);
	expect(await store.listFolders('backups/postgres/')).toHaveLength(3);
	expect((await prune(store, context, apply)).deleted).toEqual([]);
});

test('one component only, when asked', async () => {
	const store = new MemoryStore();
	await seed(store, 5);
	expect((await prune(store, context, { ...apply, component: 'redis' })).decisions).toEqual([]);
	expect(await ids(store)).toHaveLength(5);
});

test('a backup in use stays, also when its use begins after the plan was made', async () => {
	const store = new MemoryStore();
	const backups = await seed(store, 5);
	const [, , , third, fourth] = backups as [Manifest, Manifest, Manifest, Manifest, Manifest];
	await withBackupInUse(store, context, fourth, async () => {
		const outcome = await prune(store, context, { policy, apply: false });
		expect(outcome.decisions.find(({ id }) => id === fourth.id)).toMatchObject({ action: 'keep', reasons: ['a running job uses it'] });

		let begun = false;
		const late = { ...context, progress: () => undefined };
		const listFolders = store.listFolders.bind(store);
		store.listFolders = async (prefix) => {
			// The locks have been listed by now.
			if (!begun) await acquireLock(store, context, { name: `use.${third.id}`, mode: 'shared', purpose: 'restoring it', waitSeconds: 0 });
			begun = true;
			return await listFolders(prefix);
		};
		const applied = await prune(store, late, apply);
		expect(applied.deleted).toEqual([]);
		expect(applied.decisions.find(({ id }) => id === third.id)).toMatchObject({ action: 'keep', reasons: [expect.stringContaining('restoring it')] });
	});
	expect(await ids(store)).toHaveLength(5);
});

test('when the use of an incremental one begins after the plan was made, what it needs stays too', async () => {
	const store = new MemoryStore();
	const [newest] = await seed(store, 1);
	const chain: Manifest[] = [];
	for (const day of ['01', '02', '03']) {
		const startedAt = `2026-09-${day}T02:00:00.000Z`;
		const kind = day === '01' ? 'full' : 'incremental';
		chain.push(await publishSmall(store, { startedAt, kind, id: idAt(startedAt, kind), parent: chain.at(-1)?.id ?? null }));
	}
	const young = '2026-11-22T03:00:00.000Z';
	await publishSmall(store, { startedAt: young, kind: 'incremental', id: idAt(young, 'incremental'), parent: newest?.id ?? null }, [check()]);
	const [first, second, third] = chain as [Manifest, Manifest, Manifest];
	let begun = false;
	const late = {
		...context,
		progress: ({ step }: { step: string }) => {
			if (step !== 'Deleting old backups' || begun) return;
			begun = true;
			const record = { formatVersion: 1, name: `use.${third.id}`, state: 'held', mode: 'shared', purpose: 'restoring it', backupId: third.id, owner: { host: 'elsewhere', pid: 1, bootId: '', pidNamespace: '', processStart: '' }, acquiredAt: young, heartbeatAt: young, tookOverFrom: [] };
			store.objects.set(`locks/use.${third.id}/x.json`, { content: Buffer.from(JSON.stringify(record)), modifiedAt: new Date() });
		},
	};
	const { deleted, decisions } = await prune(store, late, apply);
	expect(deleted).toEqual([]);
	const reasonsOf = (id: string) => decisions.find((decision) => decision.id === id);
	expect(reasonsOf(second.id)).toMatchObject({ action: 'keep', reasons: [`${third.id} needs it`] });
	expect(reasonsOf(first.id)).toMatchObject({ action: 'keep', reasons: [`${second.id} needs it`] });
	await store.remove(`locks/use.${third.id}/x.json`);
	expect((await prune(store, context, apply)).deleted).toEqual([third.id, second.id, first.id]);
});

test('who wants to use a backup that is gone is told so', async () => {
	const store = new MemoryStore();
	const backups = await seed(store, 5);
	await prune(store, context, apply);
	const gone = backups[4] as Manifest;
	expect(await rejection(withBackupInUse(store, context, gone, async () => 'read'))).toMatchObject({ code: 'BACKUP_NOT_FOUND' });
	expect(await withBackupInUse(store, context, backups[0] as Manifest, async () => 'read')).toBe('read');
});

describe('the newest run of the series', () => {
	const run = { formatVersion: 1 as const, component: 'postgres' as const, kind: 'full' as const, source: 'crm', startedAt: '2026-11-22T11:00:00Z', finishedAt: null, error: null };
	const runId = '20261122T110000Z-full-aaaaaa';

	test('failed: nothing of it goes; another series is pruned', async () => {
		const store = new MemoryStore();
		await seed(store, 5);
		const extracts = await seed(store, 5, 'extract');
		await writeLastRun(store, { ...run, backupId: runId, outcome: 'failed' }, NEVER);
		expect((await prune(store, context, apply)).deleted).toEqual(extracts.slice(3).map(({ id }) => id));
	});

	test('still recorded as running though its process is dead: nothing of it goes', async () => {
		const store = new MemoryStore();
		await seed(store, 5);
		await writeLastRun(store, { ...run, backupId: runId, outcome: 'running' }, NEVER);
		const { deleted, decisions } = await prune(store, context, apply);
		expect(deleted).toEqual([]);
		expect(decisions[4]?.reasons[0]).toContain('failed');
	});

	test('running: nothing of it goes', async () => {
		const store = new MemoryStore();
		await seed(store, 5);
		await writeLastRun(store, { ...run, backupId: runId, outcome: 'running' }, NEVER);
		await acquireLock(store, context, { name: 'postgres', mode: 'exclusive', purpose: 'backing up crm', backupId: runId, waitSeconds: 0 });
		const { deleted, decisions } = await prune(store, context, apply);
		expect(deleted).toEqual([]);
		expect(decisions[4]?.reasons[0]).toContain('going on');
	});

	test('a record that cannot be read counts as failed', async () => {
		const store = new MemoryStore();
		await seed(store, 5);
		await putText(store, lastRunKey(seriesOf(run)), '{"outcome": "succ');
		expect((await prune(store, context, apply)).deleted).toEqual([]);
	});

	test('succeeded: pruned', async () => {
		const store = new MemoryStore();
		await seed(store, 5);
		await writeLastRun(store, { ...run, backupId: runId, outcome: 'success' }, NEVER);
		expect((await prune(store, context, apply)).deleted).toHaveLength(2);
	});
});

describe('recovery points', () => {
	const record = async (store: Store, members: Manifest[], at: string, failures: { component: null; what: string; message: string }[] = []) =>
		await recordRecoveryPoint(store, { name: '', members: members.map(({ component, id }) => ({ component, id })), since: null, failures, expected: [], failWhenIncomplete: false }, { ...context, now: () => new Date(at) });

	test('members of the newest complete ones stay; one that has lost a member is passed over, in any component', async () => {
		const store = new MemoryStore();
		const [, , , fourth, fifth] = (await seed(store, 5)) as [Manifest, Manifest, Manifest, Manifest, Manifest];
		const redis = await publishSmall(store, { component: 'redis', id: idAt('2026-11-18T02:00:00Z'), startedAt: '2026-11-18T02:00:00.000Z' }, [check()]);
		const lost = await publishSmall(store, { component: 'redis', id: idAt('2026-11-19T02:00:00Z'), startedAt: '2026-11-19T02:00:00.000Z' }, [check()]);
		const complete = await record(store, [fifth, redis], '2026-11-18T03:00:00Z');
		await record(store, [fourth, lost], '2026-11-19T03:00:00Z');
		for (const key of store.keys(`backups/redis/${lost.id}/`)) await store.remove(key);
		const outcome = await prune(store, context, { component: 'postgres', policy: { ...policy, keepRecoveryPoints: 1 }, apply: true });
		expect(outcome.deleted).toEqual([fourth.id]);
		expect(outcome.decisions.find(({ id }) => id === fifth.id)?.reasons).toEqual([`belongs to the recovery point ${complete.id}`]);
	});

	test('goes when its last backup is gone, and stays while one is left or it tells of a recent failure', async () => {
		const store = new MemoryStore();
		const backups = await seed(store, 5);
		const gone = await record(store, backups.slice(3), '2026-11-18T03:00:00Z');
		const left = await record(store, backups.slice(2), '2026-11-18T04:00:00Z');
		const failed = [{ component: null, what: 'Everything', message: 'It failed.' }];
		const old = await record(store, [], '2026-11-01T03:00:00Z', failed);
		const recent = await record(store, [], '2026-11-22T03:00:00Z', failed);
		expect((await prune(store, context, { policy, apply: false })).deletedRecoveryPoints).toEqual([]);
		expect((await prune(store, context, apply)).deletedRecoveryPoints).toEqual([gone.id, old.id]);
		expect((await listRecoveryPoints(store)).map(({ id, complete }) => [id, complete])).toEqual([
			[recent.id, false],
			[left.id, false],
		]);
	});
});

test('two at once: the second is told; plans do not disturb each other', async () => {
	const store = new MemoryStore();
	await seed(store, 2);
	await acquireLock(store, context, { name: 'prune', mode: 'exclusive', purpose: 'pruning the store', waitSeconds: 0 });
	expect(await rejection(prune(store, context, apply))).toMatchObject({ code: 'LOCK_HELD', message: expect.stringContaining('pruning the store') });
});

test('a damaged verification does not let a backup count as verified, nor hide it', async () => {
	const store = new MemoryStore();
	const backups = await seed(store, 5);
	for (const { id } of backups.slice(0, 2)) await putText(store, `backups/postgres/${id}/verification.json`, 'garbage');
	const outcome = await prune(store, context, { policy: { ...policy, keepDays: 0 }, apply: true });
	expect(await ids(store)).toEqual([backups[0], backups[2], backups[3]].map((backup) => backup?.id));
	expect(outcome.deleted).toEqual([backups[1]?.id, backups[4]?.id]);
});

test('interrupted at any call: nothing that should stay is touched, nothing half-deleted is listed, the next one finishes', async () => {
	const probe = new FaultyStore(new MemoryStore());
	const seeded = await seed(probe, 5);
	const start = probe.calls.length;
	await prune(probe, context, apply);
	const calls = probe.calls.length - start;
	expect(seeded).toHaveLength(5);
	for (let position = 1; position <= calls; position++) {
		const inner = new MemoryStore();
		const backups = await seed(inner, 5);
		const keep = backups.slice(0, 3).map(({ id }) => id);
		await prune(new FaultyStore(inner, { position, mode: 'before', lasting: true }), context, apply).catch(() => undefined);
		const left = await listBackups(inner);
		expect(left.map(({ id }) => id)).toEqual(expect.arrayContaining(keep));
		for (const { id, files, status } of left) {
			expect(status).toBe('success');
			for (const file of files) expect(inner.objects.has(`backups/postgres/${id}/${file}`)).toBe(true);
		}
		inner.now = () => new Date(Date.now() + 100_000);
		await prune(inner, context, apply);
		expect(await ids(inner)).toEqual(keep);
	}
});

test('what the store locks stays, with what it needs, and says until when; the rest goes', async () => {
	const store = new MemoryStore();
	const backups = await seed(store, 6);
	const [, , , third, fourth, fifth] = backups as [Manifest, Manifest, Manifest, Manifest, Manifest, Manifest];
	store.protections.set(`backups/postgres/${fourth.id}/manifest.json`, { until: new Date('2026-12-24T00:00:00Z') });
	for (const apply of [false, true]) {
		const outcome = await prune(store, context, { policy, apply });
		expect(outcome.decisions.find(({ id }) => id === fourth.id)).toMatchObject({ action: 'keep', reasons: ['locked by the store until 2026-12-24T00:00:00.000Z'] });
		expect(outcome.decisions.filter(({ action }) => action === 'delete').map(({ id }) => id)).toEqual([third.id, fifth.id]);
	}
	expect(await ids(store)).toEqual([...backups.slice(0, 3), fourth].map(({ id }) => id));
	store.protections.set(`backups/postgres/${fourth.id}/manifest.json`, { until: null });
	expect((await prune(store, context, apply)).decisions.find(({ id }) => id === fourth.id)?.reasons).toEqual([expect.stringContaining('legal hold')]);
});

describe('what is overdue', () => {
	test('tells what should have gone by then; what became old since, or began since, is not in it', async () => {
		const store = new MemoryStore();
		const backups = await seed(store, 6);
		const late = async (overdueHours: number) => (await prune(store, context, { policy, apply: false, overdueHours })).decisions.filter(({ action }) => action === 'delete').map(({ id }) => id);
		// Now those of 3, 4 and 5 days ago may go, two days ago only that of 5 days ago might.
		expect(await late(0)).toEqual(backups.slice(3).map(({ id }) => id));
		expect(await late(48)).toEqual([backups[5]?.id]);
		await prune(store, context, apply);
		expect(await late(48)).toEqual([]);
	});

	test('a check made since does not make older ones late', async () => {
		const store = new MemoryStore();
		const at = (days: number) => new Date(Date.parse('2026-11-22T02:00:00Z') - days * 86_400_000).toISOString();
		for (const days of [9, 8]) await publishSmall(store, { startedAt: at(days), id: idAt(at(days)) }, [check({ at: at(days) })]);
		for (const days of [5, 4]) await publishSmall(store, { startedAt: at(days), id: idAt(at(days)) }, [check({ at: at(0.1) })]);
		const planned = (overdueHours: number) => prune(store, context, { policy, apply: false, overdueHours });
		expect((await planned(0)).decisions.map(({ action }) => action)).toEqual(['keep', 'keep', 'delete', 'delete']);
		expect((await planned(48)).decisions.map(({ action }) => action)).not.toContain('delete');
	});

	test('is never carried out', async () => {
		const store = new MemoryStore();
		const backups = await seed(store, 6);
		expect(await rejection(prune(store, context, { ...apply, overdueHours: 1 }))).toMatchObject({ code: 'INVALID_INPUT' });
		expect(await ids(store)).toEqual(backups.map(({ id }) => id));
	});
});
