import { randomBytes } from 'node:crypto';
import { newBackupId, readBackupId } from '../../../lib/catalog/backup-id';
import { findBackup } from '../../../lib/catalog/find-backup';
import { manifestKey, verificationKey } from '../../../lib/catalog/layout';
import { listBackups } from '../../../lib/catalog/list-backups';
import { backupIdSchema } from '../../../lib/catalog/manifest';
import { recordVerification } from '../../../lib/catalog/record-verification';
import { seriesOf } from '../../../lib/catalog/series';
import { MAX_SMALL_OBJECT } from '../../../lib/catalog/small-object';
import { judgeChecks } from '../../../lib/catalog/verified-state';
import { requireKey } from '../../../lib/storage/key';
import { check, idAt, NEVER, publishSmall, putText, SOURCE } from '../../support/backup-fixtures';
import { rejection } from '../../support/bytes';
import { MemoryStore } from '../../support/memory-store';

const context = { now: () => new Date(), randomBytes, signal: NEVER, progress: () => {} };
let store: MemoryStore;
beforeEach(() => (store = new MemoryStore()));

const publishAt = async (startedAt: string, changes: Parameters<typeof publishSmall>[1] = {}, checks: Parameters<typeof publishSmall>[2] = []) =>
	await publishSmall(store, { startedAt, id: idAt(startedAt, changes.kind), ...changes }, checks);

describe('ids', () => {
	test('sort by time, fit the schema and can be read', () => {
		const id = newBackupId(new Date('2026-11-22T02:00:00.987Z'), 'full', randomBytes);
		expect(id).toMatch(/^20261122T020000Z-full-[0-9a-z]{6}$/);
		expect(backupIdSchema.parse(id)).toBe(id);
		expect(readBackupId(id)).toEqual({ startedAt: new Date('2026-11-22T02:00:00Z'), kind: 'full' });
		expect(readBackupId('20261122T020000Z-sideways-abcdef')).toEqual({ startedAt: new Date('2026-11-22T02:00:00Z'), kind: undefined });
		for (const other of ['lost+found', '../x', '20269922T020000Z-full-abcdef', '']) expect(readBackupId(other)).toBeUndefined();
	});
});

describe('series', () => {
	test('are object names, readable, and differ for sources that look alike', () => {
		const names = ['crm', 'Crm', 'crm ', 'c/r/m', '../..', 'Größe "x"; $1', '🙂', '', 'x'.repeat(500), 'a\nb'];
		const series = names.map((source) => seriesOf({ component: 'postgres', kind: 'full', source }));
		expect(new Set(series).size).toBe(names.length);
		for (const one of series) requireKey(`status/last-run/${one}.json`);
		expect(series[0]).toMatch(/^postgres\.full\.crm-[0-9a-f]{8}$/);
		expect(seriesOf({ component: 'postgres', kind: 'globals', source: 'crm' })).not.toBe(series[0]);
	});
});

describe('listing', () => {
	test('newest first, over all components, with what is known of each', async () => {
		const old = await publishAt('2026-11-01T02:00:00.000Z', { warnings: ['slow'] });
		const redis = await publishAt('2026-11-03T02:00:00.000Z', { component: 'redis' });
		const crm = await publishAt('2026-11-02T02:00:00.000Z', {}, [check()]);
		expect((await listBackups(store)).map(({ id }) => id)).toEqual([redis.id, crm.id, old.id]);
		expect((await listBackups(store, { component: 'postgres' }))[0]).toEqual({
			id: crm.id,
			component: 'postgres',
			kind: 'full',
			status: 'success',
			source: 'crm',
			startedAt: crm.startedAt,
			finishedAt: crm.finishedAt,
			durationSeconds: 1,
			sourceBytes: 5,
			storedBytes: 5,
			store: 'memory',
			files: ['database.dump'],
			verified: { level: 'restore', at: '2026-11-22T03:00:00.000Z' },
			parent: null,
			warnings: [],
			copies: [],
		});
	});

	test('filters by kind and source, and ends at the limit', async () => {
		for (let day = 1; day <= 40; day++) {
			const changes = day % 2 === 0 ? { source: { ...SOURCE, name: 'erp' } } : { kind: 'extract' as const };
			await publishAt(new Date(Date.UTC(2026, 9, day)).toISOString(), changes);
		}
		expect(await listBackups(store, { source: 'erp' })).toHaveLength(20);
		expect(await listBackups(store, { kinds: ['extract'] })).toHaveLength(20);
		expect((await listBackups(store, { source: 'erp', limit: 3 })).map(({ startedAt }) => startedAt.slice(0, 10))).toEqual(['2026-11-09', '2026-11-07', '2026-11-05']);
	});

	test('what has no manifest is no backup; what is no backup folder is passed over', async () => {
		await putText(store, 'backups/postgres/20261122T020000Z-full-aaaaaa/database.dump', 'half');
		await putText(store, 'backups/postgres/lost+found/manifest.json', '{}');
		await putText(store, 'backups/postgres/readme.txt', 'x');
		await putText(store, 'backups/mongodb/20261122T020000Z-full-aaaaaa/manifest.json', '{}');
		expect(await listBackups(store)).toEqual([]);
	});

	test('broken and newer manifests are listed as damaged and hide nothing', async () => {
		const good = await publishAt('2026-11-01T02:00:00.000Z');
		const broken = await publishAt('2026-11-02T02:00:00.000Z');
		await putText(store, manifestKey('postgres', broken.id), '{"half');
		await putText(store, manifestKey('postgres', '20261103T020000Z-incremental-aaaaaa'), '{"formatVersion": 2}');
		const swapped = await publishAt('2026-11-04T02:00:00.000Z');
		await putText(store, manifestKey('postgres', swapped.id), JSON.stringify(good));
		const [a, b, c, d] = await listBackups(store);
		expect(a).toMatchObject({ id: swapped.id, status: 'damaged', unreadable: true, problem: expect.stringContaining(good.id) });
		expect(b).toMatchObject({ status: 'damaged', unreadable: true, startedAt: '2026-11-03T02:00:00.000Z', problem: expect.stringContaining('Upgrade') });
		expect(c).toMatchObject({ id: broken.id, kind: 'full', status: 'damaged', problem: expect.stringContaining('not valid JSON'), verified: null, source: '' });
		expect(d).toMatchObject({ id: good.id, status: 'success' });
	});

	test('an error of the store is not taken for an empty list', async () => {
		await publishSmall(store);
		store.get = async () => await Promise.reject(Object.assign(new Error('away'), { code: 'STORE_UNAVAILABLE' }));
		expect(await rejection(listBackups(store))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
	});

	test('a manifest without end is refused, not read into memory', async () => {
		const { id } = await publishSmall(store);
		store.objects.set(manifestKey('postgres', id), { content: Buffer.alloc(MAX_SMALL_OBJECT + 1, ' '), modifiedAt: new Date() });
		expect((await listBackups(store))[0]).toMatchObject({ status: 'damaged', problem: expect.stringContaining('larger than') });
	});
});

describe('finding', () => {
	const find = async (choice: Parameters<typeof findBackup>[1]['choice'], kinds?: Parameters<typeof findBackup>[1]['kinds']) => await findBackup(store, { component: 'postgres', kinds, choice });

	test('by id, the newest, the newest verified; damaged ones are passed over', async () => {
		const verified = await publishAt('2026-11-01T02:00:00.000Z', {}, [check({ level: 'checksum' })]);
		const plain = await publishAt('2026-11-02T02:00:00.000Z');
		const damaged = await publishAt('2026-11-03T02:00:00.000Z', {}, [check(), check({ passed: false, detail: 'table contacts differs' })]);
		await putText(store, manifestKey('postgres', idAt('2026-11-04T02:00:00Z')), 'broken');
		expect((await find({ by: 'latest' })).manifest).toEqual(plain);
		expect((await find({ by: 'latestVerified' })).summary).toMatchObject({ id: verified.id, verified: { level: 'checksum' } });
		expect((await find({ by: 'id', id: damaged.id })).summary).toMatchObject({ status: 'damaged', problem: expect.stringContaining('table contacts differs') });
	});

	test('by source and kind', async () => {
		const crm = await publishAt('2026-11-01T02:00:00.000Z');
		await publishAt('2026-11-02T02:00:00.000Z', { source: { ...SOURCE, name: 'erp' } });
		await publishAt('2026-11-03T02:00:00.000Z', { kind: 'extract' });
		expect((await find({ by: 'latest', source: 'crm' }, ['full', 'partial'])).manifest).toEqual(crm);
	});

	test('nothing fits: says what was looked for and what there is', async () => {
		expect(await rejection(find({ by: 'latest' }))).toMatchObject({ code: 'BACKUP_NOT_FOUND', message: expect.stringContaining('no backup of postgres at all') });
		const extract = await publishAt('2026-11-03T02:00:00.000Z', { kind: 'extract' });
		for (const choice of [{ by: 'latest', source: 'crm' }, { by: 'latestVerified' }, { by: 'id', id: '20261122T020000Z-full-nosuch' }, { by: 'id', id: extract.id }] as const) {
			const error = await rejection(find(choice, ['full']));
			expect(error).toMatchObject({ code: 'BACKUP_NOT_FOUND', hint: expect.stringContaining('store') });
			expect(error.message).toContain(`${extract.id} (crm, not verified)`);
		}
		expect((await rejection(find({ by: 'id', id: extract.id }, ['full']))).message).toContain('it is of kind extract');
	});

	test('a chosen one whose manifest is unusable: the exact reason', async () => {
		const { id } = await publishSmall(store);
		await putText(store, manifestKey('postgres', id), '{"formatVersion": 7}');
		expect(await rejection(find({ by: 'id', id }))).toMatchObject({ code: 'MANIFEST_TOO_NEW' });
		expect(await rejection(find({ by: 'id', id: '../../etc' }))).toMatchObject({ code: 'PATH_REFUSED' });
	});
});

describe('checks', () => {
	test('best level among the passed ones; a failure stands until as strong a check passes', () => {
		const at = (day: number) => `2026-11-0${day}T00:00:00.000Z`;
		const restore = check({ at: at(1) });
		const checksum = check({ level: 'checksum', at: at(2) });
		const failed = check({ passed: false, at: at(3) });
		expect(judgeChecks([])).toEqual({ verified: null, failure: undefined });
		expect(judgeChecks([restore, checksum])).toEqual({ verified: { level: 'restore', at: at(1) }, failure: undefined });
		expect(judgeChecks([restore, failed])).toMatchObject({ failure: failed });
		expect(judgeChecks([restore, failed, checksum])).toMatchObject({ failure: failed });
		expect(judgeChecks([failed, check({ at: at(4) })])).toEqual({ verified: { level: 'restore', at: at(4) }, failure: undefined });
		expect(judgeChecks([check({ level: 'checksum', passed: false }), restore])).toMatchObject({ verified: { level: 'restore' }, failure: undefined });
	});

	test('are recorded one after the other, also when several are recorded at once', async () => {
		const manifest = await publishSmall(store);
		expect((await recordVerification(store, context, manifest, check({ level: 'checksum' }))).verified?.level).toBe('checksum');
		await Promise.all([1, 2, 3].map(async (n) => await recordVerification(store, context, manifest, check({ level: 'structure', detail: `${n}` }))));
		const recorded = JSON.parse(String(store.objects.get(verificationKey('postgres', manifest.id))?.content)) as { checks: unknown[] };
		expect(recorded.checks).toHaveLength(4);
		const failed = await recordVerification(store, context, manifest, check({ passed: false, detail: 'row counts differ' }));
		expect(failed).toMatchObject({ status: 'damaged', problem: expect.stringContaining('row counts differ') });
		expect((await listBackups(store))[0]).toEqual(failed);
		expect(store.keys('locks/')).toEqual([]);
	}, 30_000);

	test('the one that proves most is remembered, however many follow', async () => {
		const manifest = await publishSmall(store, {}, [check({ at: '2026-01-01T00:00:00.000Z' }), ...Array.from({ length: 80 }, () => check({ level: 'checksum' }))]);
		const summary = await recordVerification(store, context, manifest, check({ level: 'checksum' }));
		expect(summary.verified).toEqual({ level: 'restore', at: '2026-01-01T00:00:00.000Z' });
		const recorded = JSON.parse(String(store.objects.get(verificationKey('postgres', manifest.id))?.content)) as { checks: unknown[] };
		expect(recorded.checks).toHaveLength(51);
	});

	test.each(['garbage', '{"formatVersion":1,"backup":"20200101T000000Z-full-aaaaaa","checks":[]}', '{"formatVersion":2}', '[]'])(
		'a record that is %j hides nothing and proves nothing',
		async (text) => {
			const manifest = await publishSmall(store);
			await putText(store, verificationKey('postgres', manifest.id), text);
			expect(await listBackups(store)).toMatchObject([{ id: manifest.id, status: 'success', verified: null }]);
			expect((await recordVerification(store, context, manifest, check())).verified?.level).toBe('restore');
		},
	);
});
