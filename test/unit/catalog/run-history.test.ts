import { historyKey } from '../../../lib/catalog/layout';
import { appendToHistory, pastRun, readRunHistory } from '../../../lib/catalog/run-history';
import { seriesOf } from '../../../lib/catalog/series';
import { identifyStore } from '../../../lib/catalog/store-identity';
import { idAt, NEVER, putText } from '../../support/backup-fixtures';
import { MemoryStore } from '../../support/memory-store';

const SERIES = { component: 'postgres', kind: 'full', source: 'crm' } as const;
const ended = (startedAt: string) => pastRun({ formatVersion: 1, ...SERIES, backupId: idAt(startedAt), outcome: 'success', startedAt, finishedAt: startedAt, error: null }, { durationSeconds: 3, sourceBytes: 9, storedBytes: 5 });

test('a run is remembered once, in the month in which it began, and found from a moment on', async () => {
	const store = new MemoryStore();
	const [october, early, late] = [ended('2026-10-31T23:59:00.000Z'), ended('2026-11-01T00:01:00.000Z'), ended('2026-11-20T00:00:00.000Z')];
	for (const run of [october, early, late, late]) await appendToHistory(store, SERIES, run, NEVER);
	expect(store.keys('status/history/')).toEqual([historyKey(seriesOf(SERIES), '2026-10'), historyKey(seriesOf(SERIES), '2026-11')]);
	const { runs, since } = await readRunHistory(store, new Date('2026-11-10T00:00:00Z'));
	expect(runs).toEqual([{ ...late, ...SERIES }]);
	// October is older than what was asked for: so all of it since then is known.
	expect(since.get('postgres')).toEqual(new Date('2026-11-10T00:00:00Z'));
	expect((await readRunHistory(store, new Date('2026-01-01T00:00:00Z'))).since.get('postgres')).toEqual(new Date(october.startedAt));
});

test('a month that cannot be read is left out, and begun anew', async () => {
	const store = new MemoryStore();
	const key = historyKey(seriesOf(SERIES), '2026-11');
	for (const text of ['{', '{"formatVersion":2}', '[]']) {
		await putText(store, key, text);
		expect((await readRunHistory(store, new Date(0))).runs).toEqual([]);
	}
	await appendToHistory(store, SERIES, ended('2026-11-20T00:00:00.000Z'), NEVER);
	expect((await readRunHistory(store, new Date(0))).runs).toHaveLength(1);
});

test('a store keeps the id that it was given first, and a damaged one is said instead of replaced', async () => {
	const store = new MemoryStore();
	let calls = 0;
	const context = { signal: NEVER, randomBytes: (bytes: number) => Buffer.alloc(bytes, ++calls) };
	const id = await identifyStore(store, context);
	expect(id).toBe('01'.repeat(16));
	expect(await identifyStore(store, context)).toBe(id);
	await putText(store, 'status/store.json', '{"formatVersion":1}');
	await expect(identifyStore(store, context)).rejects.toMatchObject({ code: 'MANIFEST_INVALID', hint: expect.stringContaining('Rebuild') });
});
