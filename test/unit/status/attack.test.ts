import { randomBytes } from 'node:crypto';
import { holdForAlarms, holdRetention, liftRetentionHold, readRetentionHold } from '../../../lib/catalog/retention-hold';
import { findProblems } from '../../../lib/alerts/find-problems';
import { decideAlerts } from '../../../lib/alerts/decide-alerts';
import { NO_KEYS } from '../../../lib/core/keys';
import { prune } from '../../../lib/retention/prune';
import { type StatusOptions, readStatus } from '../../../lib/status/read-status';
import type { StoredObject } from '../../../lib/storage/store';
import { idAt, manifestOf, NEVER, publishSmall } from '../../support/backup-fixtures';
import { MemoryStore } from '../../support/memory-store';

const NOW = new Date('2026-11-22T12:00:00Z');
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();
const OPTIONS: StatusOptions = { components: ['files'], thresholds: [], holdOnAlarm: true };

/** Shows archives as large as their manifests say. */
class LargeStore extends MemoryStore {
	readonly sizes = new Map<string, number>();

	override async *list(prefix: string): AsyncGenerator<StoredObject, void, void> {
		for await (const object of super.list(prefix)) yield { ...object, bytes: this.sizes.get(object.key) ?? object.bytes };
	}
}

class Uploads {
	readonly store = new LargeStore();
	readonly context = { now: () => NOW, randomBytes: (bytes: number) => Buffer.from(randomBytes(bytes)), signal: NEVER, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };

	async full(hours: number, changes: { stored?: number; files?: number } = {}): Promise<string> {
		return await this.publish(hours, 'full', changes.stored ?? 5e8 + hours, changes.files ?? 1000, 1000);
	}

	async incremental(hours: number, changed: number): Promise<string> {
		return await this.publish(hours, 'incremental', 5e5 * changed, 1000, changed);
	}

	private async publish(hours: number, kind: 'full' | 'incremental', storedBytes: number, files: number, carried: number): Promise<string> {
		const sourceBytes = kind === 'full' ? 1e9 : 1e6 * carried;
		const artifact = { ...manifestOf().artifacts[0]!, name: 'database.dump', sourceBytes, storedBytes, compression: { algorithm: 'zstd' as const, level: 1, frameBytes: 1 } };
		const startedAt = hoursAgo(hours);
		const { id } = await publishSmall(this.store, {
			id: idAt(startedAt, kind), component: 'files', kind, startedAt, artifacts: [artifact], sourceBytes, storedBytes, source: { type: 'files', name: 'uploads', host: 'h', folder: '/uploads' },
			files: { tree: { files, folders: 1, links: 0, bytes: 1e9 }, carried: { files: carried, bytes: sourceBytes }, deleted: 0 },
		});
		this.store.sizes.set(`backups/files/${id}/database.dump`, storedBytes);
		return id;
	}

	async status(options: Partial<StatusOptions> = {}) {
		return await readStatus(this.store, { ...OPTIONS, ...options }, this.context);
	}

	async lift() {
		return await liftRetentionHold(this.store, NOW, NEVER);
	}
}

async function usual(): Promise<Uploads> {
	const uploads = new Uploads();
	for (let day = 20; day > 1; day--) await uploads.full(day * 24);
	for (let hours = 120; hours > 30; hours -= 6) await uploads.incremental(hours, 10);
	return uploads;
}

test('what looks like encrypted files is critical, and puts retention on hold when asked to', async () => {
	const uploads = await usual();
	expect(await uploads.status()).toMatchObject({ components: [{ anomalies: [] }], hold: null });
	await uploads.full(1, { stored: 9e8 });
	expect(await uploads.status({ holdOnAlarm: false })).toMatchObject({ state: 'CRITICAL', hold: null, components: [{ freshness: 'OK', anomalies: expect.arrayContaining([expect.objectContaining({ measure: 'storedShare' })]) }] });
	expect(await uploads.status()).toMatchObject({ hold: { by: 'anomaly', reason: expect.stringContaining('encrypted files look like this') } });

	const policy = { keepLastVerified: 1, keepDays: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepRecoveryPoints: 0, timeZone: 'UTC' };
	const count = uploads.store.objects.size;
	expect(await prune(uploads.store, uploads.context, { policy, apply: true })).toMatchObject({ applied: false, deleted: [], hold: { by: 'anomaly' } });
	expect([...uploads.store.objects.keys()].filter((key) => !key.startsWith('locks/'))).toHaveLength(count);
	expect(await uploads.lift()).toMatchObject({ by: 'anomaly' });
	await expect(uploads.lift()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('a backup that alarms and is also a little unusual is one critical problem', async () => {
	const uploads = await usual();
	// 1.8 times the stored bytes is a notice of its own.
	const id = await uploads.full(1, { stored: 9e8 });
	const status = await uploads.status();
	const unlike = findProblems(status, []).filter(({ key }) => key.includes('/unlike/'));
	expect(unlike).toEqual([expect.objectContaining({ severity: 'critical', what: expect.stringMatching(new RegExp(`${id}.*encrypted files look like this.*in the store instead of about`)) })]);
	expect(decideAlerts(unlike, [], () => true, { repeatHours: 24, escalateAfterHours: [] }, NOW)).toMatchObject([{ event: 'problem', problem: { severity: 'critical' } }]);
});

describe('an attack at noon that later backups hide', () => {
	test('is still seen in the evening, under one key, and told of each backup that shows it', async () => {
		const uploads = await usual();
		const strike = await uploads.incremental(20, 800);
		for (const hours of [14, 8, 2]) await uploads.incremental(hours, 10);
		const status = await uploads.status();
		expect(status).toMatchObject({ state: 'CRITICAL', hold: { by: 'anomaly', alarms: [{ backup: strike, detail: expect.stringContaining('80.0 % of all files changed') }] } });
		const [problem] = findProblems(status, []).filter(({ key }) => key.includes('/unlike/'));
		expect(problem).toMatchObject({ severity: 'critical', began: hoursAgo(20), what: expect.stringContaining(strike) });
		await uploads.incremental(1, 700);
		expect(findProblems(await uploads.status(), []).filter(({ key }) => key.includes('/unlike/')).map(({ key }) => key)).toEqual([problem!.key]);
	});

	test('is over when a full backup fits again', async () => {
		const uploads = await usual();
		await uploads.incremental(20, 800);
		expect(await uploads.status()).toMatchObject({ state: 'CRITICAL' });
		await uploads.full(2);
		expect(await uploads.status()).toMatchObject({ components: [{ anomalies: [], findings: [] }] });
	});

	test('is over when a person lifts the hold, does not come back by itself, and a new one alarms', async () => {
		const uploads = await usual();
		await uploads.incremental(20, 800);
		await uploads.status();
		await uploads.lift();
		for (let look = 0; look < 2; look++) expect(await uploads.status()).toMatchObject({ hold: null, components: [{ anomalies: [], findings: [] }] });
		await uploads.incremental(2, 10);
		expect(await uploads.status()).toMatchObject({ hold: null });
		// What is allowed once is not allowed from now on.
		const next = await uploads.incremental(1, 800);
		expect(await uploads.status()).toMatchObject({ state: 'CRITICAL', hold: { alarms: [{ backup: next }] } });
	});
});

test('what alarms after the person looked is not acknowledged with the rest', async () => {
	const uploads = await usual();
	const first = await uploads.incremental(20, 800);
	await uploads.status();
	const second = await uploads.incremental(2, 900);
	// Nobody has looked since.
	expect(await uploads.lift()).toMatchObject({ alarms: [{ backup: first }] });
	expect(await uploads.status()).toMatchObject({ state: 'CRITICAL', hold: { alarms: [{ backup: second }] } });
});

test('files that a person deleted on purpose alarm once, in each series at most once, and a further loss alarms again', async () => {
	const uploads = await usual();
	await uploads.full(20, { files: 600, stored: 3e8 });
	expect(await uploads.status()).toMatchObject({ state: 'CRITICAL' });
	await uploads.lift();
	for (const hours of [16, 12, 8]) {
		await uploads.full(hours, { files: 600, stored: 3e8 });
		expect(await uploads.status()).toMatchObject({ hold: null, components: [{ findings: [] }] });
	}
	await uploads.full(1, { files: 200, stored: 1e8 });
	expect(await uploads.status()).toMatchObject({ state: 'CRITICAL', hold: { reason: expect.stringContaining('200 files instead of about') } });
});

test('the hold of a person keeps its reason, and names what looks wrecked', async () => {
	const uploads = await usual();
	await holdRetention(uploads.store, { since: hoursAgo(3), by: 'person', reason: 'We move.' }, NEVER);
	const id = await uploads.full(1, { stored: 9e8 });
	await uploads.status();
	expect(await readRetentionHold(uploads.store)).toMatchObject({ by: 'person', since: hoursAgo(3), reason: 'We move.', alarms: [{ backup: id }] });
	// A second look writes nothing.
	const before = uploads.store.objects.get('status/retention-hold.json');
	await uploads.status();
	expect(uploads.store.objects.get('status/retention-hold.json')).toBe(before);
	await uploads.lift();
	expect(await uploads.status()).toMatchObject({ hold: null, components: [{ anomalies: [] }] });
});

test('a hold that is lifted while somebody looks does not come back', async () => {
	const uploads = await usual();
	const id = await uploads.full(1, { stored: 9e8 });
	await uploads.status();
	await uploads.lift();
	// Judged before the hold was lifted.
	expect(await holdForAlarms(uploads.store, [{ backup: id, detail: 'It looks wrecked.' }], NOW, NEVER)).toBeUndefined();
	expect(await readRetentionHold(uploads.store)).toBeUndefined();
});

test('an acknowledgement that cannot be read acknowledges nothing', async () => {
	const uploads = await usual();
	await uploads.full(1, { stored: 9e8 });
	await uploads.status();
	await uploads.lift();
	await uploads.store.put('status/acknowledged.json', (async function* () { yield Buffer.from('{"formatVersion":1,"back'); })(), { signal: NEVER });
	expect(await uploads.status()).toMatchObject({ state: 'CRITICAL', hold: { by: 'anomaly' } });
});
