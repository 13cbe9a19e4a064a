import { randomBytes } from 'node:crypto';
import { readAlertState } from '../../../lib/alerts/alert-state';
import { checkStoreAlerts, checkWorkflowAlert, recordDelivered } from '../../../lib/alerts/check-alerts';
import type { AlertMessage } from '../../../lib/alerts/decide-alerts';
import { forgetSchedule } from '../../../lib/alerts/forget-schedule';
import { writeExpectedRun } from '../../../lib/catalog/expected-runs';
import { forgetSeries } from '../../../lib/catalog/forgotten-series';
import { writeLastRun } from '../../../lib/catalog/last-run';
import { acquireLock } from '../../../lib/catalog/locks';
import { BackupError } from '../../../lib/core/errors';
import { NO_KEYS } from '../../../lib/core/keys';
import { check, idAt, NEVER, publishSmall, putText, SOURCE } from '../../support/backup-fixtures';
import { MemoryStore } from '../../support/memory-store';

const HOUR = 3_600_000;
const START = Date.parse('2026-11-22T00:00:00Z');
const at = (hour: number) => new Date(START + hour * HOUR);
const POLICY = { repeatHours: 24, escalateAfterHours: [1, 4] };
const LOOK = { components: ['postgres' as const], thresholds: [], holdOnAlarm: false, ...POLICY };

/** People who are told by checks and by the error workflow of `nightly`. */
class People {
	readonly store = new MemoryStore();
	hour = 0;
	readonly context = { now: () => at(this.hour), randomBytes: (bytes: number) => Buffer.from(randomBytes(bytes)), signal: NEVER, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };

	async look(hour: number, deliver = true): Promise<string[]> {
		this.hour = hour;
		return await this.tell((await checkStoreAlerts(this.store, LOOK, this.context)).messages, deliver);
	}

	async fails(hour: number, what: string): Promise<string[]> {
		this.hour = hour;
		const problem = { severity: 'critical' as const, title: 'FAILED: nightly', what, advice: 'Mend it.', link: `https://n8n/${hour}` };
		return await this.tell((await checkWorkflowAlert(this.store, 'w1', problem, POLICY, this.context)).messages);
	}

	async succeeds(hour: number): Promise<void> {
		await writeExpectedRun(this.store, { id: 'w1', name: 'nightly', succeededAt: at(hour).toISOString(), nextBy: at(hour + 100).toISOString() }, NEVER);
	}

	async dump(hour: number): Promise<void> {
		await publishSmall(this.store, { startedAt: at(hour).toISOString() });
		await writeLastRun(this.store, this.run(hour, 'success'), NEVER);
	}

	async dumpFails(hour: number, message: string): Promise<void> {
		await writeLastRun(this.store, { ...this.run(hour, 'failed'), error: { code: 'STORE_FULL', message, hint: '' } }, NEVER);
	}

	run(hour: number, outcome: 'running' | 'success' | 'failed') {
		const startedAt = at(hour).toISOString();
		return { formatVersion: 1 as const, component: 'postgres' as const, kind: 'full' as const, source: 'crm', backupId: idAt(startedAt), outcome, startedAt, finishedAt: outcome === 'running' ? null : startedAt, error: null };
	}

	messages: AlertMessage[] = [];
	async tell(messages: AlertMessage[], deliver = true): Promise<string[]> {
		this.messages = messages;
		if (deliver && messages.length > 0) await recordDelivered(this.store, messages.map(({ problem: { key }, after }) => ({ key, after })), this.context);
		return messages.map(({ event, problem: { title } }) => `${event} ${title}`);
	}
}

describe('a workflow that fails', () => {
	test('again for another reason is told, for the same with other numbers is not', async () => {
		const people = new People();
		await people.succeeds(0);
		expect(await people.fails(1, 'The store is full: 12 MB are free.\nWhere: node "Dump"')).toEqual(['problem FAILED: nightly']);
		expect(await people.fails(1.1, 'The store is full: 7 MB are free.\nWhere: node "Dump"')).toEqual([]);
		expect(await people.fails(1.2, 'Points that failed: Copies elsewhere.')).toEqual(['changed FAILED: nightly']);
		expect(people.messages[0]).toMatchObject({ since: at(1).toISOString(), problem: { what: 'Points that failed: Copies elsewhere.', runbook: expect.stringContaining('docs/alerts.md#') } });
	});

	test('is told again after a success that no check has seen, and is then not told as over', async () => {
		const people = new People();
		await people.dump(0);
		await people.succeeds(0);
		expect(await people.fails(1, 'It broke.')).toEqual(['problem FAILED: nightly']);
		await people.succeeds(1.5);
		expect(await people.fails(2, 'It broke.')).toEqual(['problem FAILED: nightly']);
		expect(await people.look(2.1)).toEqual([]);
		await people.succeeds(2.5);
		expect(await people.look(2.6)).toEqual(['resolved FAILED: nightly']);
	});

	test('is remembered with its newest words and the link to the newest execution', async () => {
		const people = new People();
		await people.dump(0);
		await people.succeeds(0);
		await people.fails(0.1, 'It broke in week 1.');
		await people.fails(0.9, 'It broke in week 2.');
		expect(await people.look(1.2)).toEqual(['escalated FAILED: nightly']);
		expect(people.messages[0]).toMatchObject({ level: 1, problem: { what: 'It broke in week 2.', link: 'https://n8n/0.9' } });
	});

	test('and has no schedule is told each time, and nothing of it is remembered', async () => {
		const people = new People();
		for (const hour of [1, 2]) expect(await people.fails(hour, 'It broke.')).toEqual(['problem FAILED: nightly']);
		expect((await readAlertState(people.store)).open).toEqual([]);
	});
});

describe('a backup run that fails', () => {
	test('in another way after it was told is told as a change, after a success as a new problem', async () => {
		const people = new People();
		await people.dump(0);
		await people.dumpFails(1, 'The store is full: 12 MB are free.');
		expect(await people.look(1.1)).toEqual(['problem PostgreSQL: a backup run failed']);
		await people.dumpFails(1.2, 'The store is full: 3 MB are free.');
		expect(await people.look(1.3)).toEqual([]);
		await people.dumpFails(1.4, 'There is no database crm.');
		expect(await people.look(1.5)).toEqual(['changed PostgreSQL: a backup run failed']);
		expect(people.messages[0]).toMatchObject({ since: at(1).toISOString() });
		await people.dump(2);
		await people.dumpFails(2.5, 'There is no database crm.');
		expect(await people.look(2.6)).toEqual(['problem PostgreSQL: a backup run failed']);
		expect(people.messages[0]).toMatchObject({ level: 0, since: at(2.5).toISOString() });
	});

	test('is not over while the next run of it is going on', async () => {
		const people = new People();
		people.store.now = () => people.context.now();
		await people.dump(0);
		await people.dumpFails(1, 'It broke.');
		await people.look(1.1);
		people.hour = 1.5;
		const run = people.run(1.5, 'running');
		await writeLastRun(people.store, run, NEVER);
		const lock = await acquireLock(people.store, people.context, { name: 'postgres', mode: 'exclusive', purpose: 'backing up crm', waitSeconds: 0 });
		await lock.attach(run.backupId);
		expect(await people.look(1.6)).toEqual([]);
		await lock.release();
		await people.dump(1.7);
		expect(await people.look(1.8)).toEqual(['resolved PostgreSQL: a backup run failed']);
	});

	test('tells since when it is so, not since when it was told', async () => {
		const people = new People();
		await people.dump(0);
		await people.look(9);
		expect(people.messages).toMatchObject([{ event: 'problem', level: 0, since: at(6).toISOString(), problem: { title: 'PostgreSQL: the newest backup is too old', runbook: 'docs/alerts.md#a-backup-is-missing-or-too-old' } }]);
		// It is passed on by how long people know of it.
		expect(await people.look(9.5)).toEqual([]);
		expect(await people.look(10.1)).toEqual(['escalated PostgreSQL: the newest backup is too old']);
	});
});

test('two damaged backups are told one by one, and each is over when it is gone', async () => {
	const people = new People();
	const bad = async (hour: number) => await publishSmall(people.store, { startedAt: at(hour).toISOString() }, [check({ passed: false, at: at(hour + 0.1).toISOString() })]);
	const remove = async (id: string) => { for (const key of people.store.keys(`backups/postgres/${id}/`)) await people.store.remove(key); };
	const first = await bad(0);
	await people.dump(1);
	expect(await people.look(1.1)).toEqual(['problem PostgreSQL: a backup is damaged']);
	const second = await bad(1.2);
	expect(await people.look(1.3)).toEqual(['problem PostgreSQL: a backup is damaged']);
	expect(people.messages[0]?.problem.what).toContain(second.id);
	await remove(second.id);
	expect(await people.look(1.4)).toEqual(['resolved PostgreSQL: a backup is damaged']);
	await remove(first.id);
	expect(await people.look(1.5)).toEqual(['resolved PostgreSQL: a backup is damaged']);
	expect(people.messages[0]?.problem.what).toContain(first.id);
});

test('an error as long as a book is shortened, so that what was delivered can be remembered', async () => {
	const people = new People();
	await people.dump(0);
	await writeLastRun(people.store, { ...people.run(1, 'failed'), error: { code: 'TOOL_FAILED', message: 'm'.repeat(50_000), hint: 'h'.repeat(50_000) } }, NEVER);
	await writeExpectedRun(people.store, { id: 'w2', name: 'n'.repeat(500), succeededAt: at(0).toISOString(), nextBy: at(0.5).toISOString() }, NEVER);
	await people.look(1.1);
	for (const { problem } of people.messages) {
		expect(problem.what.length).toBeLessThanOrEqual(8000);
		expect(problem.advice!.length).toBeLessThanOrEqual(2000);
		expect(problem.title.length).toBeLessThanOrEqual(500);
	}
	expect((await readAlertState(people.store)).open).toHaveLength(2);
	expect(await people.look(1.3)).toEqual([]);
});

describe('two checks at once', () => {
	test('do not both tell', async () => {
		const people = new People();
		await people.dump(0);
		people.hour = 9;
		const checks = await Promise.all([1, 2].map(async () => await checkStoreAlerts(people.store, LOOK, people.context)));
		expect(checks.map(({ messages }) => messages.length).sort()).toEqual([0, 1]);
	});

	test('that did not deliver leave it to a later one', async () => {
		const people = new People();
		await people.dump(0);
		expect(await people.look(9, false)).toHaveLength(1);
		expect(await people.look(9.05)).toEqual([]);
		expect(await people.look(9.2)).toEqual(['problem PostgreSQL: the newest backup is too old']);
		// What was delivered does not stand in the way of what comes next.
		await people.dump(9.2);
		expect(await people.look(9.21)).toEqual(['resolved PostgreSQL: the newest backup is too old']);
	});
});

test('a store that takes nothing any more is when people must be told: twice rather than never', async () => {
	const people = new People();
	await people.dump(0);
	await people.succeeds(0);
	const put = people.store.put.bind(people.store);
	people.store.put = async (key, source, options) => {
		if (key.startsWith('locks/')) throw new BackupError('STORE_FULL', 'The store is full.', 'Free space.');
		return await put(key, source, options);
	};
	for (const hour of [9, 9.05]) {
		expect(await people.look(hour, false)).toEqual(['problem PostgreSQL: the newest backup is too old']);
		people.hour = hour;
		const problem = { severity: 'critical' as const, title: 'FAILED: nightly', what: 'The store is full.', advice: '' };
		expect((await checkWorkflowAlert(people.store, 'w1', problem, POLICY, people.context)).messages).toHaveLength(1);
	}
});

test('a component that is given up is told as over; one that was not looked at is not', async () => {
	const people = new People();
	await people.dump(0);
	const redis = { component: 'redis' as const, source: { ...SOURCE, type: 'redis' as const, name: 'sessions' } };
	await publishSmall(people.store, { ...redis, startedAt: at(0).toISOString() });
	const everything = async (hour: number) => {
		people.hour = hour;
		return await people.tell((await checkStoreAlerts(people.store, { ...LOOK, components: [], requiredComponents: ['postgres'] }, people.context)).messages);
	};
	await people.dump(49);
	expect(await everything(50)).toEqual(['problem Redis: the newest backup is too old']);
	expect(await people.look(50.2)).toEqual([]);
	await forgetSeries(people.store, { component: 'redis', source: 'sessions', kind: null }, people.context);
	expect(await everything(50.5)).toEqual(['resolved Redis: the newest backup is too old']);
});

describe('a schedule that is gone for good', () => {
	test('is forgotten with all that was told of it', async () => {
		const people = new People();
		await people.dump(0);
		await writeExpectedRun(people.store, { id: 'w1', name: 'nightly', succeededAt: at(0).toISOString(), nextBy: at(1).toISOString() }, NEVER);
		await people.fails(2, 'It broke.');
		expect(await people.look(2.5)).toEqual(['problem nightly: did not run when it should have']);
		expect(people.messages[0]).toMatchObject({ since: at(1).toISOString() });
		await forgetSchedule(people.store, 'w1', people.context);
		expect(await people.look(2.6)).toEqual([]);
		expect((await readAlertState(people.store)).open).toEqual([]);
		await expect(forgetSchedule(people.store, 'w1', people.context)).rejects.toMatchObject({ code: 'INVALID_INPUT', hint: expect.stringContaining('knows none') });
		await people.succeeds(3);
		await expect(forgetSchedule(people.store, 'w9', people.context)).rejects.toMatchObject({ hint: 'It knows: w1 (nightly).' });
	});
});

test('a record of a schedule that cannot be read is told, and does not end what was told of the schedule', async () => {
	const people = new People();
	await people.dump(0);
	await writeExpectedRun(people.store, { id: 'w1', name: 'nightly', succeededAt: at(0).toISOString(), nextBy: at(1).toISOString() }, NEVER);
	expect(await people.look(2)).toEqual(['problem nightly: did not run when it should have']);
	const [key] = people.store.keys('status/next-expected/');
	await putText(people.store, key!, '{"formatVersion": 1, "id": "w1');
	expect(await people.look(2.1)).toEqual(['problem The record of a schedule cannot be read']);
	expect(people.messages[0]?.problem.what).toContain(key);
	await people.succeeds(2.5);
	expect((await people.look(2.6)).sort()).toEqual(['resolved The record of a schedule cannot be read', 'resolved nightly: did not run when it should have']);
});

test('alerts of an older version are read, and are over as they were', async () => {
	const people = new People();
	await people.dump(0);
	const old = { key: 'component/postgres/failed/x', severity: 'warning', title: 't', what: 'w', since: at(0).toISOString(), toldAt: at(0).toISOString(), level: 1 };
	await people.store.put('status/alerts.json', (async function* () { yield Buffer.from(JSON.stringify({ formatVersion: 1, open: [old] })); })(), { signal: NEVER });
	expect(await people.look(1)).toEqual(['resolved t']);
});
