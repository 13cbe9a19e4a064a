import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { ownIdentity } from '../../../lib/catalog/lock-owner';
import { listRecoveries, readRecoveryJournal } from '../../../lib/catalog/read-recovery-journal';
import { BackupError } from '../../../lib/core/errors';
import { advanceRecovery, type BeginOptions, beginRecovery, recordInJournal, type StageReport } from '../../../lib/recovery/journal';
import { MOST_RESULT_BYTES, shortened } from '../../../lib/recovery/shortened';
import { NEVER } from '../../support/backup-fixtures';
import { rejection } from '../../support/bytes';
import { MemoryStore } from '../../support/memory-store';

let store: MemoryStore;
let seconds: number;
const context = { now: () => new Date(Date.UTC(2026, 10, 22, 4, 0, seconds++)), randomBytes: (bytes: number) => randomBytes(bytes), signal: NEVER };
beforeEach(() => {
	store = new MemoryStore();
	seconds = 0;
});

const options: BeginOptions = {
	name: 'Recovery: Full',
	stages: ['fence', 'database', 'redis'],
	asked: { recoveryPoint: '20261122T020000Z-set-a1b2c3' },
	by: 'Ana',
	execution: 'execution 7',
	whenOpen: 'resume',
	takeOver: true,
	onlyTheSame: false,
};
const done = (result: Record<string, unknown> | null = null): StageReport => ({ outcome: 'done', detail: '', result });
const failed: StageReport = { outcome: 'failed', error: { code: 'SERVER_UNREACHABLE', message: 'It did not answer.', hint: 'See that it runs.' }, reopen: [] };

test('a whole recovery: each stage in its order, with times and results; the end is its measured time', async () => {
	const { recovery, resumed } = await beginRecovery(store, options, context);
	expect({ resumed, state: recovery.state, nextStage: recovery.nextStage }).toEqual({ resumed: false, state: 'running', nextStage: 'fence' });
	const attempt = { id: recovery.id, run: recovery.run };
	expect(await advanceRecovery(store, attempt, done(), context)).toMatchObject({ stage: 'fence', next: 'stage' });
	expect(await advanceRecovery(store, attempt, { outcome: 'skipped', detail: 'There is no live database.', result: null }, context)).toMatchObject({ stage: 'database' });
	await recordInJournal(store, attempt, { what: 'decision', question: 'Replace it?', answer: 'RESTORE EVERYTHING', by: 'Ana' }, context);
	expect(await advanceRecovery(store, attempt, done({ previous: 'crm_before' }), context)).toMatchObject({ stage: 'redis', recovery: { results: { database: { previous: 'crm_before' } } } });
	const last = await advanceRecovery(store, attempt, done(), context);
	expect(last).toMatchObject({ stage: null, next: 'finished', recovery: { state: 'succeeded', seconds: 9, explanation: 'All 3 stages are done.', attempts: 1 } });
	expect(last.recovery.stages.map(({ stage, state, tries }) => [stage, state, tries])).toEqual([['fence', 'skipped', 1], ['database', 'done', 1], ['redis', 'done', 1]]);
	expect(last.recovery.decisions).toMatchObject([{ question: 'Replace it?', answer: 'RESTORE EVERYTHING', by: 'Ana' }]);
	expect(await rejection(advanceRecovery(store, attempt, done(), context))).toMatchObject({ code: 'INVALID_INPUT' });
	expect(await listRecoveries(store, { open: true, limit: 10 }, NEVER)).toEqual([]);
	expect(await listRecoveries(store, { limit: 10 }, NEVER)).toEqual([last.recovery]);
});

test('a stage that failed stops it; going on begins that stage again and none before it', async () => {
	const { recovery } = await beginRecovery(store, options, context);
	const first = { id: recovery.id, run: recovery.run };
	await advanceRecovery(store, first, done(), context);
	await advanceRecovery(store, first, done({ fenced: true }), context);
	expect(await advanceRecovery(store, first, failed, context)).toMatchObject({ stage: null, next: 'failed', recovery: { state: 'failed', nextStage: 'database' } });
	const again = await beginRecovery(store, { ...options, stages: ['other'], asked: {}, takeOver: false }, context);
	expect(again).toMatchObject({ resumed: true, interruptedStage: null, recovery: { id: recovery.id, asked: options.asked, attempts: 2, nextStage: 'database', results: { fence: { fenced: true } } } });
	expect(await advanceRecovery(store, { id: recovery.id, run: again.recovery.run }, done(), context)).toMatchObject({ stage: 'database' });
	expect(await rejection(advanceRecovery(store, first, done(), context))).toMatchObject({ code: 'LOCK_LOST' });
	expect(await rejection(recordInJournal(store, first, { what: 'closed', outcome: 'abandoned', reason: '' }, context))).toMatchObject({ code: 'LOCK_LOST' });
});

test('asked for something else: refused where only the same will do, with what differs, and nothing is written', async () => {
	const { recovery } = await beginRecovery(store, { ...options, asked: { backup: 'a', patterns: ['x'] } }, context);
	const entries = store.keys(`recoveries/${recovery.id}/entries/`);
	const error = await rejection(beginRecovery(store, { ...options, asked: { patterns: ['x'], backup: 'b' }, onlyTheSame: true }, context));
	expect(error).toMatchObject({ code: 'LOCK_HELD', message: expect.stringContaining('backup was "a" and is now "b"') as string });
	expect(error.message).not.toContain('patterns');
	expect(store.keys(`recoveries/${recovery.id}/entries/`)).toEqual(entries);
	expect(await beginRecovery(store, { ...options, asked: { patterns: ['x'], backup: 'a' }, onlyTheSame: true }, context)).toMatchObject({ resumed: true });
	expect(await beginRecovery(store, { ...options, asked: { backup: 'b' } }, context)).toMatchObject({ resumed: true, recovery: { asked: { backup: 'a' } } });
});

test('a stage that fails puts back what led to it: those come again, those between stay done', async () => {
	const stages = ['decide', 'forensics', 'uploads', 'scan', 'database'];
	const { recovery } = await beginRecovery(store, { ...options, stages }, context);
	const first = { id: recovery.id, run: recovery.run };
	for (const point of [{ point: 'a' }, { point: 'a' }, null, null]) await advanceRecovery(store, first, done(point), context);
	expect(await rejection(advanceRecovery(store, first, { ...failed, reopen: ['nowhere'] }, context))).toMatchObject({ code: 'INVALID_INPUT' });
	expect(await advanceRecovery(store, first, { ...failed, reopen: ['decide', 'uploads'] }, context)).toMatchObject({ next: 'failed', recovery: { state: 'failed', nextStage: 'decide', explanation: '1 of 5 stages are done; the stage "decide" failed, and can be done again.' } });
	const again = await beginRecovery(store, { ...options, stages }, context);
	const second = { id: recovery.id, run: again.recovery.run };
	const order: Array<string | null> = [];
	for (let result: StageReport = done(); ; result = done({ point: 'b' })) {
		const { stage, next } = await advanceRecovery(store, second, result, context);
		if (next === 'finished') break;
		order.push(stage);
	}
	expect(order).toEqual(['decide', 'uploads', 'scan', 'database']);
	expect((await listRecoveries(store, { limit: 1 }, NEVER))[0]).toMatchObject({ state: 'succeeded', results: { decide: { point: 'b' } } });
});

test('while its process may be alive nobody goes on with a stage unless told to; then the stage counts as interrupted', async () => {
	const { recovery } = await beginRecovery(store, options, context);
	await advanceRecovery(store, { id: recovery.id, run: recovery.run }, done(), context);
	const error = await rejection(beginRecovery(store, { ...options, takeOver: false }, context));
	expect(error).toMatchObject({ code: 'LOCK_HELD' });
	expect(error.message).toContain('"fence" is under way');
	expect(await beginRecovery(store, options, context)).toMatchObject({ resumed: true, interruptedStage: 'fence', recovery: { state: 'failed', nextStage: 'fence' } });
	expect(await rejection(beginRecovery(store, { ...options, whenOpen: 'refuse' }, context))).toMatchObject({ code: 'LOCK_HELD' });
	expect(await beginRecovery(store, { ...options, name: 'Recovery: Files' }, context)).toMatchObject({ resumed: false });
});

test.each([
	['a process that is gone', { pid: 2 ** 22 + 1 }],
	['a container that was started again', { pidNamespace: 'pid:[1]' }],
])('a stage of %s is gone on with unasked', async (_what, changes) => {
	const { recovery } = await beginRecovery(store, options, context);
	await advanceRecovery(store, { id: recovery.id, run: recovery.run }, done(), context);
	const [begun = ''] = store.keys(`recoveries/${recovery.id}/entries/`);
	const entry = JSON.parse(store.objects.get(begun)!.content.toString()) as { owner: object };
	const content = Buffer.from(JSON.stringify({ ...entry, owner: { ...ownIdentity(), ...changes } }));
	store.objects.set(begun, { content, modifiedAt: new Date() });
	expect(await beginRecovery(store, { ...options, takeOver: false }, context)).toMatchObject({ resumed: true, interruptedStage: 'fence' });
});

test('of those that begin at the same moment one at most goes on, and nothing stays open of the others', async () => {
	for (let round = 0; round < 15; round++) {
		store = new MemoryStore();
		store.delay = async () => await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
		const results = await Promise.allSettled([1, 2, 3].map(async () => await beginRecovery(store, { ...options, whenOpen: 'refuse' }, context)));
		const begun = results.filter(({ status }) => status === 'fulfilled').length;
		expect(begun).toBeLessThanOrEqual(1);
		store.delay = async () => undefined;
		expect(await listRecoveries(store, { open: true, limit: 10 }, NEVER)).toHaveLength(begun);
	}
});

test('a stage that it does not have, a recovery that there is not, a journal that was changed', async () => {
	const { recovery } = await beginRecovery(store, options, context);
	const attempt = { id: recovery.id, run: recovery.run };
	expect(await rejection(recordInJournal(store, attempt, { what: 'started', stage: 'dns' }, context))).toMatchObject({ code: 'INVALID_INPUT', hint: 'Its stages are: fence, database, redis.' });
	expect(await rejection(advanceRecovery(store, { ...attempt, id: '20261122T020000Z-recovery-zzzzzz' }, done(), context))).toMatchObject({ code: 'INVALID_INPUT' });
	store.objects.set(store.keys(`recoveries/${recovery.id}/entries/`)[0]!, { content: Buffer.from('{'), modifiedAt: new Date() });
	expect(await rejection(readRecoveryJournal(store, recovery.id, NEVER))).toMatchObject({ code: 'MANIFEST_INVALID' });
});

test('results stay small: the lists of a large one are cut and say so', () => {
	const rows = Array.from({ length: 20_000 }, (_, index) => ({ table: `public.table_${index}`, rows: index }));
	const cut = shortened({ previous: 'crm_before', comparison: rows });
	expect(cut).toMatchObject({ previous: 'crm_before' });
	expect((cut.comparison as unknown[]).at(-1)).toBe('… and 19900 more');
	expect(JSON.stringify(shortened({ text: 'x'.repeat(200_000) })).length).toBeLessThan(MOST_RESULT_BYTES);
	expect(shortened({ previous: 'crm_before' })).toEqual({ previous: 'crm_before' });
});

/** Does the stages as a workflow does; `fates` says what happens to each. Dies by throwing. */
async function runOnce(fates: Fate[], didIt: string[]): Promise<'finished' | 'failed'> {
	const { recovery } = await beginRecovery(store, options, context);
	const attempt = { id: recovery.id, run: recovery.run };
	for (let report = done(); ; ) {
		const { stage, next } = await advanceRecovery(store, attempt, report, context);
		if (next !== 'stage') return next;
		const fate = fates.shift() ?? 'done';
		if (fate === 'dies before') throw new BackupError('CANCELLED', 'killed', '');
		if (fate !== 'fails') didIt.push(stage!);
		if (fate === 'dies after') throw new BackupError('CANCELLED', 'killed', '');
		report = fate === 'fails' ? failed : done({ by: stage });
	}
}

type Fate = 'done' | 'fails' | 'dies before' | 'dies after';

test('property: however often it fails or is killed, every stage is done in order, and one that was recorded as done never again', async () => {
	const fate = fc.constantFrom<Fate>('done', 'fails', 'dies before', 'dies after');
	await fc.assert(
		fc.asyncProperty(fc.array(fate, { maxLength: 12 }), async (fates) => {
			store = new MemoryStore();
			const left = [...fates];
			const didIt: string[] = [];
			let attempts = 0;
			for (let over = false; !over; attempts++) {
				over = await runOnce(left, didIt).then((end) => end === 'finished', () => false);
			}
			const [summary] = await listRecoveries(store, { limit: 1 }, NEVER);
			expect(summary).toMatchObject({ state: 'succeeded', attempts });
			// Only a stage that was killed after it had worked is done twice.
			const repeats = fates.filter((each) => each === 'dies after').length;
			expect(didIt.length).toBe(options.stages.length + repeats - left.filter((each) => each === 'dies after').length);
			expect([...new Set(didIt)]).toEqual(options.stages);
			expect(didIt).toEqual([...didIt].sort((a, b) => options.stages.indexOf(a) - options.stages.indexOf(b)));
		}),
		{ numRuns: 60 },
	);
});
