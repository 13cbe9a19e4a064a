import { newBackupId } from '../catalog/backup-id';
import { canonicalJson } from '../catalog/canonical-json';
import { recoveryKey } from '../catalog/layout';
import { isSurelyDead, type LockOwner, ownIdentity, parentIdentity } from '../catalog/lock-owner';
import { entryKey, listRecoveries, readRecoveryJournal, type RecoveryJournal } from '../catalog/read-recovery-journal';
import type { JournalEntry, RecoveryRequest, StageError } from '../catalog/recovery-journal';
import { type RecoverySummary, summarizeRecovery } from '../catalog/recovery-summary';
import { writeSmallObject } from '../catalog/small-object';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { shortened } from './shortened';

type Context = Pick<JobContext, 'now' | 'randomBytes' | 'signal'>;
/** An entry before it is stamped. */
type NewEntry = JournalEntry extends infer E ? (E extends JournalEntry ? Omit<E, 'formatVersion' | 'at' | 'run'> : never) : never;

export interface BeginOptions {
	/** Which runbook; an open recovery of the same name is gone on with. */
	readonly name: string;
	readonly stages: readonly string[];
	readonly asked: Readonly<Record<string, unknown>>;
	readonly by: string;
	readonly execution: string;
	/** What to do with an open one of that name. */
	readonly whenOpen: 'resume' | 'refuse';
	/** Go on with it although somebody may still be at it. */
	readonly takeOver: boolean;
	/** Refuse to go on with one that was asked for something else: what is restored is what was asked then. */
	readonly onlyTheSame: boolean;
}

export interface BegunRecovery {
	readonly recovery: RecoverySummary;
	/** It had been begun before; `asked` and `stages` are those of then. */
	readonly resumed: boolean;
	/** The stage that was under way when whoever did it died. */
	readonly interruptedStage: string | null;
}

/**
 * Begins a recovery, or goes on with the open one of that name. From here on entries of earlier attempts are refused.
 * @throws BackupError `LOCK_HELD` when one is open and is not to be gone on with, was asked for something else, or somebody may still be at it
 */
export async function beginRecovery(store: Store, options: BeginOptions, context: Context): Promise<BegunRecovery> {
	const [open] = await listRecoveries(store, { name: options.name, open: true, limit: 1 }, context.signal);
	if (open === undefined) return { recovery: await beginNew(store, options, context), resumed: false, interruptedStage: null };
	if (options.whenOpen === 'refuse') throw alreadyOpen(open);
	if (options.onlyTheSame && canonicalJson(open.asked) !== canonicalJson(options.asked)) throw askedForAnother(open, options.asked);
	const before = await requireJournal(store, open.id, context.signal);
	if (open.stages.some(({ state }) => state === 'running') && !options.takeOver && !hasDied(newestOwner(before))) throw underWay(open);
	const { journal, run } = await addBegun(store, before, options, context);
	const interrupted = open.stages.find(({ state }) => state === 'running')?.stage ?? null;
	const after =
		interrupted === null
			? journal
			: await addEntry(store, journal, run, { what: 'stageEnded', stage: interrupted, outcome: 'interrupted', detail: 'Whoever did it has died or was stopped.', result: null, error: null }, context);
	return { recovery: summarize(after), resumed: true, interruptedStage: interrupted };
}

/** How the stage at hand went. */
export type StageReport = { readonly outcome: 'done' | 'skipped'; readonly detail: string; readonly result: Readonly<Record<string, unknown>> | null } | {
	readonly outcome: 'failed';
	readonly error: StageError;
	/** Stages before it that count as failed with it and are to be done again, such as the choice of what a scan then refused. */
	readonly reopen: readonly string[];
};

export interface Advance {
	readonly recovery: RecoverySummary;
	/** The stage that is begun now; null: none is. */
	readonly stage: string | null;
	/** What comes: a stage, the end, or a halt because the stage before failed. */
	readonly next: 'stage' | 'finished' | 'failed';
}

/**
 * Writes down how the stage went that is under way, and begins the next one that is not done. After the last one the recovery has succeeded;
 * after one that failed nothing is begun, and what it reopens is to be done again first.
 * @throws BackupError `LOCK_LOST` when another attempt has taken over
 */
export async function advanceRecovery(store: Store, { id, run }: AttemptId, report: StageReport, context: Context): Promise<Advance> {
	let journal = await requireOwn(store, { id, run }, context.signal);
	const current = summarize(journal).stages.find(({ state }) => state === 'running');
	if (current) {
		if (report.outcome === 'failed') for (const stage of report.reopen) journal = await addEntry(store, journal, run, ended(requireStage(journal, stage), report), context);
		journal = await addEntry(store, journal, run, ended(current.stage, report), context);
		if (report.outcome === 'failed') return { recovery: summarize(journal), stage: null, next: 'failed' };
	}
	const { nextStage } = summarize(journal);
	if (nextStage === null) {
		journal = await addEntry(store, journal, run, { what: 'closed', outcome: 'succeeded', reason: '' }, context);
		return { recovery: summarize(journal), stage: null, next: 'finished' };
	}
	journal = await addEntry(store, journal, run, { what: 'stageStarted', stage: nextStage }, context);
	return { recovery: summarize(journal), stage: nextStage, next: 'stage' };
}

export interface AttemptId {
	readonly id: string;
	readonly run: string;
}

/** One thing to write down. */
export type Note =
	| { readonly what: 'started'; readonly stage: string }
	| { readonly what: 'ended'; readonly stage: string; readonly report: StageReport }
	| { readonly what: 'decision'; readonly question: string; readonly answer: string; readonly by: string }
	| { readonly what: 'closed'; readonly outcome: 'succeeded' | 'abandoned'; readonly reason: string };

/** @throws BackupError `LOCK_LOST` when another attempt has taken over; `INVALID_INPUT` for a stage that this recovery does not have */
export async function recordInJournal(store: Store, attempt: AttemptId, note: Note, context: Context): Promise<RecoverySummary> {
	const journal = await requireOwn(store, attempt, context.signal);
	if ('stage' in note) requireStage(journal, note.stage);
	return summarize(await addEntry(store, journal, attempt.run, entryOf(note), context));
}

function requireStage({ request: { id, stages } }: RecoveryJournal, stage: string): string {
	if (stages.includes(stage)) return stage;
	throw new BackupError('INVALID_INPUT', `The recovery ${id} has no stage "${stage}".`, `Its stages are: ${stages.join(', ')}.`);
}

function entryOf(note: Note): NewEntry {
	switch (note.what) {
		case 'started':
			return { what: 'stageStarted', stage: note.stage };
		case 'ended':
			return ended(note.stage, note.report);
		case 'decision':
		case 'closed':
			return note;
	}
}

function ended(stage: string, report: StageReport): NewEntry {
	if (report.outcome === 'failed') return { what: 'stageEnded', stage, outcome: 'failed', detail: report.error.message, result: null, error: report.error };
	return { what: 'stageEnded', stage, outcome: report.outcome, detail: report.detail, result: report.result === null ? null : shortened(report.result), error: null };
}

async function beginNew(store: Store, options: BeginOptions, context: Context): Promise<RecoverySummary> {
	const now = context.now();
	const request: RecoveryRequest = {
		formatVersion: 1,
		id: newBackupId(now, 'recovery', (bytes) => context.randomBytes(bytes)),
		name: options.name,
		startedAt: now.toISOString(),
		stages: [...options.stages],
		asked: options.asked,
		by: options.by,
	};
	await writeSmallObject(store, recoveryKey(request.id), request, { signal: context.signal });
	const { journal, run } = await addBegun(store, { request, entries: [], nextNumber: 1 }, options, context);
	// Two that begin at the same moment see each other here at the latest. Both may give way: that is better than both going on.
	const other = (await listRecoveries(store, { name: options.name, open: true, limit: 2 }, context.signal)).find(({ id }) => id !== request.id);
	if (other === undefined) return summarize(journal);
	await addEntry(store, journal, run, { what: 'closed', outcome: 'abandoned', reason: `${other.id} was begun at the same moment` }, context);
	throw alreadyOpen(other);
}

async function addBegun(store: Store, journal: RecoveryJournal, { by, execution }: BeginOptions, context: Context): Promise<{ journal: RecoveryJournal; run: string }> {
	const run = context.randomBytes(8).toString('hex');
	return { journal: await addEntry(store, journal, run, { what: 'begun', by, execution, owner: parentIdentity() }, context), run };
}

async function addEntry(store: Store, journal: RecoveryJournal, run: string, added: NewEntry, context: Context): Promise<RecoveryJournal> {
	const entry = { formatVersion: 1, at: context.now().toISOString(), run, ...added } as JournalEntry;
	const key = entryKey(journal.request.id, journal.nextNumber, context.randomBytes(3).toString('hex'));
	await writeSmallObject(store, key, entry, { signal: context.signal });
	return { request: journal.request, entries: [...journal.entries, entry], nextNumber: journal.nextNumber + 1 };
}

function summarize({ request, entries }: RecoveryJournal): RecoverySummary {
	return summarizeRecovery(request, entries);
}

async function requireJournal(store: Store, id: string, signal: AbortSignal): Promise<RecoveryJournal> {
	const journal = await readRecoveryJournal(store, id, signal);
	if (journal) return journal;
	throw new BackupError('INVALID_INPUT', `There is no recovery ${id} in the store (${store.description}).`, 'Begin one, or see that this is the store in which it was begun.');
}

/** The journal of a recovery that has not ended and that this attempt may write. */
async function requireOwn(store: Store, { id, run }: AttemptId, signal: AbortSignal): Promise<RecoveryJournal> {
	const journal = await requireJournal(store, id, signal);
	const { finishedAt, run: newest, execution, state } = summarize(journal);
	if (newest !== run) {
		throw new BackupError('LOCK_LOST', `The recovery ${id} was taken over by another run${execution === '' ? '' : ` (${execution})`}.`, 'This run must do nothing more. See how the other one goes.');
	}
	if (finishedAt !== null) throw new BackupError('INVALID_INPUT', `The recovery ${id} has ended (${state}, ${finishedAt}).`, 'Begin another one.');
	return journal;
}

function newestOwner({ entries }: RecoveryJournal): LockOwner | undefined {
	return entries.findLast((entry) => entry.what === 'begun')?.owner;
}

/** A container that was started again has the same name and other process ids: what ran in it is gone. */
function hasDied(owner: LockOwner | undefined): boolean {
	if (owner === undefined) return true;
	const me = ownIdentity();
	const startedAgain = owner.host === me.host && (owner.bootId !== me.bootId || owner.pidNamespace !== me.pidNamespace);
	return startedAgain || isSurelyDead(owner, me);
}

function where({ execution }: RecoverySummary): string {
	return execution === '' ? '' : ` in ${execution}`;
}

function alreadyOpen(open: RecoverySummary): BackupError {
	return new BackupError('LOCK_HELD', `A recovery "${open.name}" was begun at ${open.startedAt}${where(open)} and has not ended (${open.id}). ${open.explanation}`, 'Go on with it, or give it up first.');
}

function askedForAnother(open: RecoverySummary, asked: Readonly<Record<string, unknown>>): BackupError {
	const differing = [...new Set([...Object.keys(open.asked), ...Object.keys(asked)])].filter((name) => canonicalJson(open.asked[name] ?? null) !== canonicalJson(asked[name] ?? null));
	const both = differing.map((name) => `${name} was ${JSON.stringify(open.asked[name] ?? null)} and is now ${JSON.stringify(asked[name] ?? null)}`);
	return new BackupError(
		'LOCK_HELD',
		`The recovery "${open.name}" that was begun at ${open.startedAt} and has not ended (${open.id}) was asked for something else: ${both.join('; ')}.`,
		'Nothing was changed. Ask for the same to go on with it, or give it up first.',
	);
}

function underWay(open: RecoverySummary): BackupError {
	return new BackupError(
		'LOCK_HELD',
		`The recovery "${open.name}" seems to be under way${where(open)} (${open.id}). ${open.explanation}`,
		'Wait for it, or stop that execution. When you are sure that nobody is at it any more, say so with "Take Over".',
	);
}
