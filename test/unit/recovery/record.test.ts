import { randomBytes } from 'node:crypto';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { listRecoveryPoints } from '../../../lib/catalog/list-recovery-points';
import { readRecoveryPoint } from '../../../lib/catalog/read-recovery-point';
import { NO_KEYS } from '../../../lib/core/keys';
import { recordRecoveryPoint, type RecordOptions } from '../../../lib/recovery/record';
import { check, idAt, NEVER, publishSmall, putText } from '../../support/backup-fixtures';
import { rejection } from '../../support/bytes';
import { FaultyStore } from '../../support/faulty-store';
import { MemoryStore } from '../../support/memory-store';

const context = { now: () => new Date('2026-11-22T04:00:00Z'), randomBytes, signal: NEVER, progress: () => {}, keys: NO_KEYS, workFolder: '/nowhere' };
const nothing: RecordOptions = { name: 'Backup: Full', members: [], since: null, failures: [], expected: [], failWhenIncomplete: false };

let store: MemoryStore;
beforeEach(() => (store = new MemoryStore()));

const publish = async (component: 'postgres' | 'redis' | 'files' | 'config', startedAt: string, finishedAt: string, changes: object = {}) =>
	await publishSmall(store, { component, startedAt, finishedAt, id: idAt(startedAt), ...changes });

async function run() {
	const proof = { takenAt: '2026-11-22T02:00:12.400Z', scope: 'exact' as const, tables: [], objects: {} };
	const database = await publish('postgres', '2026-11-22T02:00:10.000Z', '2026-11-22T02:01:00.000Z', { postgres: { format: 'custom', clientVersion: '15', proof } });
	const files = await publish('files', '2026-11-22T02:01:00.000Z', '2026-11-22T02:05:30.000Z', { source: { type: 'files', name: 'uploads', host: 'h', folder: '/app/uploads' } });
	return { database, files, members: [database, files].map(({ component, id }) => ({ component, id })) };
}

test('says when each member is of, and in plain English what database and files may differ by', async () => {
	const { members, database, files } = await run();
	const point = await recordRecoveryPoint(store, { ...nothing, members: [...members, ...members] }, context);
	expect(point).toMatchObject({
		name: 'Backup: Full',
		complete: true,
		state: 'Complete: 2 backups.',
		missing: [],
		members: [
			{ component: 'postgres', backup: database.id, state: 'present', asOf: { from: '2026-11-22T02:00:12.400Z', to: '2026-11-22T02:00:12.400Z', exact: true } },
			{ component: 'files', backup: files.id, source: 'uploads', state: 'present', asOf: { from: '2026-11-22T02:01:00.000Z', to: '2026-11-22T02:05:30.000Z', exact: false } },
		],
		span: { from: '2026-11-22T02:00:12.400Z', to: '2026-11-22T02:05:30.000Z', seconds: 317.6 },
	});
	expect(point.span?.explanation).toBe(
		'The database is as of 2026-11-22 02:00:12 UTC; the files are as they were read between 2026-11-22 02:01:00 UTC and 2026-11-22 02:05:30 UTC. ' +
			'What was added, changed or deleted between 2026-11-22 02:00:12 UTC and 2026-11-22 02:05:30 UTC (5 min 18 s) may be in one and not in the other: ' +
			'after restoring both, Cross Check finds rows without files and files without rows.',
	);
	const stored = await readRecoveryPoint(store, point.id);
	expect(stored?.point.members.map(({ digest }) => digest)).toEqual([database.digest, files.digest]);
});

test('one exact member is one moment', async () => {
	const { members } = await run();
	const point = await recordRecoveryPoint(store, { ...nothing, members: members.slice(0, 1) }, context);
	expect(point.span).toMatchObject({ seconds: 0, explanation: 'It shows one moment, 2026-11-22 02:00:12 UTC.' });
});

test('failures are written down with the recovery point, and fail the run only after it is recorded', async () => {
	const { members } = await run();
	const failures = [
		{ component: 'redis' as const, what: 'Redis Snapshot', message: 'Redis did not answer.', code: 'SERVER_UNREACHABLE', hint: 'See that it runs.' },
		{ component: null, what: 'Call the shop', message: 'Bad Gateway' },
	];
	const options = { ...nothing, members, failures, expected: ['postgres', 'redis', 'logs'] as const, failWhenIncomplete: true };
	const error = await rejection(recordRecoveryPoint(store, options, context));
	expect(error).toMatchObject({ code: 'RECOVERY_POINT_INCOMPLETE' });
	const [point] = await listRecoveryPoints(store);
	expect(error.message).toBe(
		'3 parts of the run failed. Redis Snapshot: Redis did not answer. Call the shop: Bad Gateway. logs: There is no backup of logs from this run. ' +
			`2 backups were taken and kept, as recovery point ${point?.id}.`,
	);
	expect(point).toMatchObject({ complete: false, members: [{}, {}], missing: [...failures, { component: 'logs' }] });
	expect(await recordRecoveryPoint(store, { ...options, failWhenIncomplete: false }, context)).toMatchObject({ complete: false });
});

test('since a time: the newest of each series and whatever failed, from the store alone', async () => {
	const since = '2026-11-22T02:00:00.000Z';
	const { database, files } = await run();
	await publish('postgres', '2026-11-21T02:00:00.000Z', '2026-11-21T02:00:00.000Z');
	const newer = await publish('postgres', '2026-11-22T03:00:00.000Z', '2026-11-22T03:00:01.000Z');
	const globals = await publish('postgres', '2026-11-22T02:30:00.000Z', '2026-11-22T02:30:01.000Z', { kind: 'globals', id: idAt('2026-11-22T02:30:00Z', 'globals') });
	for (const kind of ['extract', 'safety'] as const) await publish('postgres', '2026-11-22T03:40:00.000Z', '2026-11-22T03:40:01.000Z', { kind, id: idAt('2026-11-22T03:40:00Z', kind) });
	const record = { formatVersion: 1 as const, kind: 'full' as const, source: 'cache', backupId: idAt('2026-11-22T02:10:00Z'), finishedAt: null, startedAt: '2026-11-22T02:10:00.000Z' };
	await writeLastRun(store, { ...record, component: 'redis', outcome: 'failed', error: { code: 'SERVER_UNREACHABLE', message: 'Redis did not answer.', hint: 'See.' } }, NEVER);
	await writeLastRun(store, { ...record, component: 'postgres', kind: 'safety', outcome: 'failed', error: { code: 'X', message: 'wrecked', hint: '' } }, NEVER);
	await writeLastRun(store, { ...record, component: 'logs', outcome: 'running', error: null }, NEVER);
	await writeLastRun(store, { ...record, component: 'n8n', startedAt: '2026-11-20T00:00:00.000Z', outcome: 'failed', error: { code: 'X', message: 'old', hint: '' } }, NEVER);
	const point = await recordRecoveryPoint(store, { ...nothing, since }, context);
	expect(point.members.map(({ backup }) => backup).sort()).toEqual([newer.id, globals.id, files.id].sort());
	expect(point.members.map(({ backup }) => backup)).not.toContain(database.id);
	expect(point.missing).toMatchObject([
		{ component: 'logs', message: expect.stringContaining('still running, or its process died') },
		{ component: 'redis', what: 'full backup of cache (redis)', message: 'Redis did not answer.', hint: 'See.' },
	]);
});

test('a member that is not in the store is named as missing; with nothing at all there is no recovery point', async () => {
	const { members } = await run();
	const id = idAt('2026-11-22T02:00:00Z');
	const point = await recordRecoveryPoint(store, { ...nothing, members: [...members, { component: 'redis', id }] }, context);
	expect(point).toMatchObject({ complete: false, missing: [{ component: 'redis', message: `Backup ${id} is not in the store (memory).` }] });
	expect(await rejection(recordRecoveryPoint(new MemoryStore(), nothing, context))).toMatchObject({ code: 'BACKUP_NOT_FOUND' });
});

describe('lists', () => {
	test('show what has become of the members since', async () => {
		const { members, database, files } = await run();
		await recordRecoveryPoint(store, { ...nothing, members }, context);
		await putText(store, `backups/postgres/${database.id}/verification.json`, JSON.stringify({ formatVersion: 1, backup: database.id, checks: [check()] }));
		expect(await listRecoveryPoints(store)).toMatchObject([{ complete: true, members: [{ verified: { level: 'restore' } }, { verified: null }] }]);
		await putText(store, `backups/postgres/${database.id}/verification.json`, JSON.stringify({ formatVersion: 1, backup: database.id, checks: [check({ passed: false })] }));
		for (const key of store.keys(`backups/files/${files.id}/`)) await store.remove(key);
		expect(await listRecoveryPoints(store)).toMatchObject([
			{ complete: false, state: `Incomplete. ${database.id} (postgres) is damaged. ${files.id} (files) is no longer in this store.`, members: [{ state: 'damaged' }, { state: 'gone' }] },
		]);
	});

	test.each([
		['cut off', (text: string) => text.slice(0, 100)],
		['changed by hand', (text: string) => text.replace('Backup: Full', 'Backup: Fool')],
		['of a newer format', (text: string) => text.replace('"formatVersion": 1', '"formatVersion": 2')],
		['not an object', () => '[]'],
	])('show one that is %s as unreadable, and the others', async (_what, change) => {
		const { members } = await run();
		const { id } = await recordRecoveryPoint(store, { ...nothing, members }, context);
		const later = { ...context, now: () => new Date('2026-11-22T05:00:00Z') };
		const good = await recordRecoveryPoint(store, { ...nothing, members }, later);
		const key = `sets/${id}/manifest.json`;
		await putText(store, key, change(store.objects.get(key)!.content.toString()));
		expect(await listRecoveryPoints(store)).toMatchObject([{ id: good.id, complete: true }, { id, complete: false, unreadable: true, state: expect.stringMatching(/recovery point/i) }]);
	});
});

test('a store that fails at any call leaves a whole recovery point or none', async () => {
	const { members } = await run();
	const probe = new FaultyStore(store);
	await recordRecoveryPoint(probe, { ...nothing, members, since: '2026-11-22T00:00:00Z' }, context);
	for (let position = 1; position <= probe.calls.length; position++) {
		for (const key of store.keys('sets/')) await store.remove(key);
		await recordRecoveryPoint(new FaultyStore(store, { position, mode: 'before' }), { ...nothing, members, since: '2026-11-22T00:00:00Z' }, context).catch(() => undefined);
		for (const point of await listRecoveryPoints(store)) expect(point).toMatchObject({ complete: true, members: [{}, {}] });
	}
});
