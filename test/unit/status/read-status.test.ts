import { randomBytes } from 'node:crypto';
import { forgetSeries } from '../../../lib/catalog/forgotten-series';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { acquireLock } from '../../../lib/catalog/locks';
import { artifactKey, lastRunKey, verificationKey } from '../../../lib/catalog/layout';
import { findNewestRuns } from '../../../lib/retention/newest-runs';
import { seriesOf } from '../../../lib/catalog/series';
import { NO_KEYS } from '../../../lib/core/keys';
import { readStatus, type StatusOptions } from '../../../lib/status/read-status';
import { check, idAt, NEVER, publishSmall, putText, SOURCE } from '../../support/backup-fixtures';
import { MemoryStore } from '../../support/memory-store';

const NOW = new Date();
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();
const context = { now: () => NOW, randomBytes: (bytes: number) => Buffer.from(randomBytes(bytes)), signal: NEVER, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };
const statusOf = async (store: MemoryStore, options: Partial<StatusOptions> = {}) => await readStatus(store, { components: ['postgres'], thresholds: [], holdOnAlarm: false, ...options }, context);
const findingsOf = async (store: MemoryStore, options: Partial<StatusOptions> = {}) => (await statusOf(store, options)).components.flatMap(({ findings }) => findings);
const failed = async (store: MemoryStore, source: string, kind: 'full' | 'incremental' = 'full', component: 'postgres' | 'redis' = 'postgres') =>
	await writeLastRun(store, { formatVersion: 1, component, kind, source, backupId: idAt(hoursAgo(2)), outcome: 'failed', startedAt: hoursAgo(2), finishedAt: hoursAgo(2), error: { code: 'STORE_FULL', message: 'full', hint: 'Free space.' } }, NEVER);

describe('artifacts', () => {
	test('that are gone or of another size are told, although the manifest is whole', async () => {
		const store = new MemoryStore();
		const older = await publishSmall(store, { startedAt: hoursAgo(5) });
		const newest = await publishSmall(store, { startedAt: hoursAgo(1) });
		expect(await findingsOf(store)).toEqual([]);
		await putText(store, artifactKey('postgres', older.id, 'database.dump'), 'hell');
		expect(await findingsOf(store)).toMatchObject([{ kind: 'lost', about: older.id, state: 'WARNING', reason: expect.stringContaining('database.dump has 4 bytes instead of 5') }]);
		await store.remove(artifactKey('postgres', newest.id, 'database.dump'));
		expect(await statusOf(store)).toMatchObject({ state: 'CRITICAL', components: [{ findings: [{ kind: 'lost', about: newest.id, reason: expect.stringContaining('database.dump is not in the store') }, { about: older.id }] }] });
	});

	test('of a backup that is deleted or published while the store is listed are not', async () => {
		const store = new MemoryStore();
		const deleted = await publishSmall(store, { startedAt: hoursAgo(5) });
		const newest = await publishSmall(store, { startedAt: hoursAgo(1) });
		const list = store.list.bind(store);
		store.list = async function* (prefix: string) {
			if (prefix === 'backups/postgres/') for (const key of store.keys(`backups/postgres/${deleted.id}/`).sort((a) => (a.endsWith('manifest.json') ? -1 : 1))) await store.remove(key);
			for await (const object of list(prefix)) if (!object.key.includes(newest.id)) yield object;
		};
		expect(await findingsOf(store)).toEqual([]);
	});
});

describe('records that cannot be read', () => {
	test('of the newest run are told', async () => {
		const store = new MemoryStore();
		await publishSmall(store, { startedAt: hoursAgo(1) });
		const key = lastRunKey(seriesOf({ component: 'postgres', kind: 'full', source: 'crm' }));
		await putText(store, key, '{"formatVersion": 1, "outcome": "fai');
		expect(await findingsOf(store)).toMatchObject([{ kind: 'unreadable', state: 'WARNING', about: expect.stringMatching(/^last-run\/postgres\.full\.crm-/), reason: expect.stringContaining('cannot be read') }]);
		expect((await findNewestRuns(store, [], NOW)).map(({ outcome }) => outcome)).toEqual(['failed']);
	});

	test('of checks are told: they may say that the backup is damaged', async () => {
		const store = new MemoryStore();
		const { id } = await publishSmall(store, { startedAt: hoursAgo(1) }, [check({ passed: false, at: hoursAgo(0.5) })]);
		expect(await findingsOf(store)).toMatchObject([{ kind: 'missing' }, { kind: 'damaged', since: hoursAgo(0.5) }]);
		await putText(store, verificationKey('postgres', id), '{"formatVersion": 1, "backup"');
		expect(await findingsOf(store)).toMatchObject([{ kind: 'unreadable', state: 'WARNING', about: `checks/${id}` }]);
	});
});

describe('components that must be backed up', () => {
	const looked = async (store: MemoryStore, options: Partial<StatusOptions>) => (await statusOf(store, { components: [], ...options })).components.map(({ component, state }) => `${component} ${state}`);

	test('are missed although nothing of them was ever tried; others are not', async () => {
		const store = new MemoryStore();
		await publishSmall(store, { startedAt: hoursAgo(1) });
		expect(await looked(store, {})).toEqual(['postgres OK', 'files CRITICAL']);
		expect(await looked(store, { requiredComponents: ['redis', 'n8n'] })).toEqual(['postgres OK', 'redis CRITICAL', 'n8n CRITICAL']);
		expect(await looked(store, { requiredComponents: ['postgres'] })).toEqual(['postgres OK']);
	});

	test('are those that are looked at where nothing else is said; a look at one says nothing of another', async () => {
		const store = new MemoryStore();
		expect(await looked(store, { components: ['redis'] })).toEqual(['redis CRITICAL']);
		expect(await looked(store, { components: ['postgres'], requiredComponents: ['redis'] })).toEqual([]);
		await failed(store, 'sessions', 'full', 'redis');
		expect(await looked(store, { components: ['postgres', 'redis'], requiredComponents: ['postgres'] })).toEqual(['postgres CRITICAL', 'redis CRITICAL']);
	});
});

describe('what will never run again', () => {
	test('stops alarming, its backups stay, and a new one counts', async () => {
		const store = new MemoryStore();
		await publishSmall(store, { startedAt: hoursAgo(1) });
		const old = await publishSmall(store, { startedAt: hoursAgo(2000), source: { ...SOURCE, name: 'old_crm' } });
		await failed(store, 'old_crm');
		await failed(store, 'old_crm', 'incremental');
		expect((await findingsOf(store)).map(({ kind }) => kind).sort()).toEqual(['failed', 'failed', 'series', 'unverified']);
		const result = await forgetSeries(store, { component: 'postgres', source: 'old_crm', kind: null }, context);
		expect(result).toMatchObject({ forgotten: { source: 'old_crm' } });
		expect(result.forgottenRuns.map((name) => name.split('.')[1]).sort()).toEqual(['full', 'incremental']);
		expect((await findingsOf(store)).map(({ kind }) => kind)).toEqual(['unverified']);
		expect(store.keys(`backups/postgres/${old.id}/`)).not.toEqual([]);
		// Backed up once more, and then never again.
		await publishSmall(store, { startedAt: hoursAgo(-0.1), source: { ...SOURCE, name: 'old_crm' } });
		const later = { ...context, now: () => new Date(NOW.getTime() + 9 * 3_600_000) };
		await publishSmall(store, { startedAt: hoursAgo(-8) });
		expect((await readStatus(store, { components: ['postgres'], thresholds: [], holdOnAlarm: false }, later)).components[0]?.reasons).toEqual(expect.arrayContaining([expect.stringContaining('of old_crm is 8.9 hours old')]));
	});

	test('is one kind alone where that is said', async () => {
		const store = new MemoryStore();
		await publishSmall(store, { startedAt: hoursAgo(1) });
		await failed(store, 'crm');
		await failed(store, 'crm', 'incremental');
		expect(await forgetSeries(store, { component: 'postgres', source: 'crm', kind: 'incremental' }, context)).toMatchObject({ forgotten: null, forgottenRuns: [expect.stringMatching(/^postgres\.incremental\./)] });
		expect(await findingsOf(store)).toMatchObject([{ kind: 'failed', about: expect.stringMatching(/^postgres\.full\./) }]);
	});

	test('does not make a component of the list, unless it must be backed up', async () => {
		const store = new MemoryStore();
		await publishSmall(store, { startedAt: hoursAgo(1) });
		await publishSmall(store, { component: 'redis', startedAt: hoursAgo(500), source: { ...SOURCE, type: 'redis', name: 'sessions' } });
		const components = async (options: Partial<StatusOptions> = {}) => (await statusOf(store, { components: [], requiredComponents: ['postgres'], ...options })).components.map(({ component, state }) => `${component} ${state}`);
		expect(await components()).toEqual(['postgres OK', 'redis CRITICAL']);
		await forgetSeries(store, { component: 'redis', source: 'sessions', kind: null }, context);
		expect(await components()).toEqual(['postgres OK']);
		expect(await components({ requiredComponents: ['postgres', 'redis'] })).toEqual(['postgres OK', 'redis CRITICAL']);
	});

	test('has to be known, and not to run just now', async () => {
		const store = new MemoryStore();
		await publishSmall(store, { startedAt: hoursAgo(1) });
		await expect(forgetSeries(store, { component: 'postgres', source: 'CRM', kind: null }, context)).rejects.toMatchObject({ code: 'INVALID_INPUT', message: 'The store (memory) knows nothing of "CRM" (postgres).', hint: 'It knows: crm. Write the source exactly like that.' });
		await expect(forgetSeries(store, { component: 'redis', source: 'crm', kind: 'full' }, context)).rejects.toMatchObject({ message: 'The store (memory) knows no run of the kind full of "crm" (redis).' });
		const id = idAt(hoursAgo(0.1));
		await writeLastRun(store, { formatVersion: 1, component: 'postgres', kind: 'full', source: 'crm', backupId: id, outcome: 'running', startedAt: hoursAgo(0.1), finishedAt: null, error: null }, NEVER);
		const lock = await acquireLock(store, context, { name: 'postgres', mode: 'exclusive', purpose: 'backing up crm', waitSeconds: 0 });
		await lock.attach(id);
		await expect(forgetSeries(store, { component: 'postgres', source: 'crm', kind: null }, context)).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('is being backed up') });
		await lock.release();
		expect(await forgetSeries(store, { component: 'postgres', source: 'crm', kind: null }, context)).toMatchObject({ forgottenRuns: [expect.stringContaining('crm')] });
	});
});
