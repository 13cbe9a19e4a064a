import { z } from 'zod';
import { lockOwnerSchema } from './lock-owner';

const moment = z.iso.datetime({ offset: true });

/** Sorts by time: `20261122T020000Z-recovery-a1b2c3`. */
export const recoveryIdSchema = z.string().regex(/^\d{8}T\d{6}Z-recovery-[0-9a-z]{6}$/);

/** What a stage is called, in the journal and on the canvas, e.g. `database`. */
export const stageNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,49}$/, 'is not lower case letters, digits and hyphens');

/** Anything that JSON holds, by name. */
export const plainRecordSchema = z.record(z.string(), z.unknown());

/** `recoveries/<id>/recovery.json`: what was asked for. Written once, before anything is done. */
export const recoveryRequestSchema = z.object({
	formatVersion: z.literal(1),
	id: recoveryIdSchema,
	/** Which runbook, e.g. the workflow's name. */
	name: z.string(),
	startedAt: moment,
	/** In the order in which they are done. */
	stages: z.array(stageNameSchema),
	/** Whatever the runbook needs to go on after its death: the recovery point, the targets. No secrets. */
	asked: plainRecordSchema,
	/** Who asked, in their own words. */
	by: z.string(),
});
export type RecoveryRequest = z.infer<typeof recoveryRequestSchema>;

export const stageErrorSchema = z.object({ code: z.string(), message: z.string(), hint: z.string() });
export type StageError = z.infer<typeof stageErrorSchema>;

/** How a stage ended. `interrupted`: whoever did it died; what became of it must be asked of the thing itself. */
export const STAGE_OUTCOMES = ['done', 'failed', 'skipped', 'interrupted'] as const;
export type StageOutcome = (typeof STAGE_OUTCOMES)[number];

const common = { formatVersion: z.literal(1), at: moment, run: z.string() };

/**
 * `recoveries/<id>/entries/<number>-<random>.json`: one thing that happened. Entries are added and never changed, each is an object of its
 * own: a process that is killed leaves a journal that ends with the last thing that it began. `run` tells the attempt that wrote it.
 */
export const journalEntrySchema = z.discriminatedUnion('what', [
	/** An attempt begins; from here on entries of earlier ones are refused. */
	z.object({ ...common, what: z.literal('begun'), by: z.string(), execution: z.string(), owner: lockOwnerSchema }),
	z.object({ ...common, what: z.literal('stageStarted'), stage: stageNameSchema }),
	z.object({
		...common,
		what: z.literal('stageEnded'),
		stage: stageNameSchema,
		outcome: z.enum(STAGE_OUTCOMES),
		detail: z.string(),
		result: plainRecordSchema.nullable(),
		error: stageErrorSchema.nullable(),
	}),
	/** What a person was asked, and said. */
	z.object({ ...common, what: z.literal('decision'), question: z.string(), answer: z.string(), by: z.string() }),
	z.object({ ...common, what: z.literal('closed'), outcome: z.enum(['succeeded', 'abandoned']), reason: z.string() }),
]);
export type JournalEntry = z.infer<typeof journalEntrySchema>;
