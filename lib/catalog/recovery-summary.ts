import type { JournalEntry, RecoveryRequest, StageError, StageOutcome } from './recovery-journal';

/** How far a stage is. `waiting`: not begun. */
export type StageState = 'waiting' | 'running' | StageOutcome;

export interface StageSummary {
	readonly stage: string;
	readonly state: StageState;
	/** Of the newest try. */
	readonly startedAt: string | null;
	readonly finishedAt: string | null;
	readonly seconds: number | null;
	/** How often it was begun. */
	readonly tries: number;
	readonly detail: string;
	/** What the stage yielded when it was done. */
	readonly result: Readonly<Record<string, unknown>> | null;
	readonly error: StageError | null;
}

export interface RecoveryDecision {
	readonly at: string;
	readonly question: string;
	readonly answer: string;
	readonly by: string;
}

/**
 * How a recovery stands. `running`: a stage is under way, or about to be; whether anybody alive is at it, the journal alone does not tell.
 * `failed`: its newest stage failed or was interrupted, and it can be gone on with.
 */
export type RecoveryState = 'running' | 'failed' | 'succeeded' | 'abandoned';

/** A recovery for people and for those who go on with it. Times are ISO 8601 in UTC. */
export interface RecoverySummary {
	readonly id: string;
	readonly name: string;
	readonly state: RecoveryState;
	/** One sentence: how far it is. */
	readonly explanation: string;
	readonly by: string;
	readonly asked: Readonly<Record<string, unknown>>;
	readonly startedAt: string;
	/** When it ended; null: it has not. */
	readonly finishedAt: string | null;
	/** From the first begin to the end, or to the newest entry. With `succeeded`, the measured recovery time. */
	readonly seconds: number;
	/** How often somebody began or went on with it. */
	readonly attempts: number;
	/** The attempt that may write. */
	readonly run: string;
	/** Its address in n8n; empty where it has none. */
	readonly execution: string;
	readonly stages: readonly StageSummary[];
	/** The first stage that is not done; null: all are. */
	readonly nextStage: string | null;
	readonly decisions: readonly RecoveryDecision[];
	/** What the stages that are done yielded, by their names. */
	readonly results: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What a journal's entries, in their order, say. Pure. */
export function summarizeRecovery(request: RecoveryRequest, entries: readonly JournalEntry[]): RecoverySummary {
	const stages = request.stages.map((stage) => summarizeStage(stage, entries));
	const begun = entries.filter((entry) => entry.what === 'begun');
	const closed = entries.findLast((entry) => entry.what === 'closed');
	const last = entries.at(-1)?.at ?? request.startedAt;
	const nextStage = stages.find(({ state }) => !isOver(state))?.stage ?? null;
	const state = closed?.outcome ?? (isStuck(stages, entries) ? 'failed' : 'running');
	return {
		id: request.id,
		name: request.name,
		state,
		explanation: explain(state, stages, closed?.reason ?? ''),
		by: request.by,
		asked: request.asked,
		startedAt: request.startedAt,
		finishedAt: closed?.at ?? null,
		seconds: secondsBetween(request.startedAt, closed?.at ?? last),
		attempts: begun.length,
		run: begun.at(-1)?.run ?? '',
		execution: begun.at(-1)?.execution ?? '',
		stages,
		nextStage,
		decisions: entries.flatMap((entry) => (entry.what === 'decision' ? [{ at: entry.at, question: entry.question, answer: entry.answer, by: entry.by }] : [])),
		results: Object.fromEntries(stages.flatMap(({ stage, state, result }) => (isOver(state) && result !== null ? [[stage, result] as const] : []))),
	};
}

/** A stage that needs not be done again. */
export function isOver(state: StageState): boolean {
	return state === 'done' || state === 'skipped';
}

function summarizeStage(stage: string, entries: readonly JournalEntry[]): StageSummary {
	const starts = entries.filter((entry) => entry.what === 'stageStarted' && entry.stage === stage);
	const ofStage = entries.filter((entry) => (entry.what === 'stageStarted' || entry.what === 'stageEnded') && entry.stage === stage);
	const newest = ofStage.at(-1);
	const startedAt = starts.at(-1)?.at ?? null;
	const common = { stage, startedAt, tries: starts.length };
	if (newest?.what !== 'stageEnded') {
		return { ...common, state: newest === undefined ? 'waiting' : 'running', finishedAt: null, seconds: null, detail: '', result: null, error: null };
	}
	return {
		...common,
		state: newest.outcome,
		finishedAt: newest.at,
		seconds: startedAt === null ? null : secondsBetween(startedAt, newest.at),
		detail: newest.detail,
		result: newest.result,
		error: newest.error,
	};
}

/** The newest thing that happened is that a stage did not succeed. */
function isStuck(stages: readonly StageSummary[], entries: readonly JournalEntry[]): boolean {
	const newest = entries.findLast((entry) => entry.what === 'stageStarted' || entry.what === 'stageEnded');
	return newest?.what === 'stageEnded' && stages.some(({ stage, state }) => stage === newest.stage && (state === 'failed' || state === 'interrupted'));
}

function explain(state: RecoveryState, stages: readonly StageSummary[], reason: string): string {
	const done = stages.filter((stage) => isOver(stage.state)).length;
	const far = `${done} of ${stages.length} stages are done`;
	const current = stages.find((stage) => !isOver(stage.state));
	switch (state) {
		case 'succeeded':
			return `All ${stages.length} stages are done.`;
		case 'abandoned':
			return `It was given up when ${far}${reason === '' ? '' : `: ${reason}`}.`;
		case 'failed':
			return `${far}; the stage "${current?.stage ?? ''}" ${current?.state === 'interrupted' ? 'was interrupted' : 'failed'}, and can be done again.`;
		case 'running':
			return current?.state === 'running' ? `${far}; "${current.stage}" is under way since ${current.startedAt ?? ''}.` : `${far}; "${current?.stage ?? ''}" comes next.`;
	}
}

function secondsBetween(from: string, to: string): number {
	return Math.max(0, Math.round(Date.parse(to) - Date.parse(from)) / 1000);
}
