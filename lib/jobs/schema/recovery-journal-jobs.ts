import { z } from 'zod';
import { plainRecordSchema, recoveryIdSchema, stageErrorSchema, stageNameSchema } from '../../catalog/recovery-journal';
import { storeLocationSchema } from '../../storage/location';

const text = z.string().max(2000);

/** Begins a recovery's journal, or goes on with the open one of that name. */
export const beginRecoveryJob = z.strictObject({
	kind: z.literal('recovery.begin'),
	store: storeLocationSchema,
	name: z.string().min(1).max(200),
	/** In the order in which they are to be done. */
	stages: z.array(stageNameSchema).min(1).max(50).refine((stages) => new Set(stages).size === stages.length, 'names a stage twice'),
	/** What the runbook needs to go on after its death; no secrets. */
	asked: plainRecordSchema.default({}).refine((asked) => JSON.stringify(asked).length <= 64 * 1024, 'is larger than 64 KiB'),
	by: text.default(''),
	/** The address of the execution in n8n. */
	execution: text.default(''),
	whenOpen: z.enum(['resume', 'refuse']).default('resume'),
	takeOver: z.boolean().default(false),
	/** Refuse to go on with one whose `asked` is another. */
	onlyTheSame: z.boolean().default(false),
});

const attempt = { store: storeLocationSchema, recovery: recoveryIdSchema, run: z.string().min(1).max(100) };

const stageReportSchema = z.discriminatedUnion('outcome', [
	z.strictObject({ outcome: z.enum(['done', 'skipped']), detail: text.default(''), result: plainRecordSchema.nullable().default(null) }),
	z.strictObject({ outcome: z.literal('failed'), error: stageErrorSchema, reopen: z.array(stageNameSchema).max(50).default([]) }),
]);

/** Writes down how the stage at hand went, and begins the next one. */
export const nextStageJob = z.strictObject({ kind: z.literal('recovery.next'), ...attempt, report: stageReportSchema });

/** Writes down one thing. */
export const recordStageJob = z.strictObject({
	kind: z.literal('recovery.note'),
	...attempt,
	note: z.discriminatedUnion('what', [
		z.strictObject({ what: z.literal('started'), stage: stageNameSchema }),
		z.strictObject({ what: z.literal('ended'), stage: stageNameSchema, report: stageReportSchema }),
		z.strictObject({ what: z.literal('decision'), question: text, answer: text, by: text.default('') }),
		z.strictObject({ what: z.literal('closed'), outcome: z.enum(['succeeded', 'abandoned']), reason: text.default('') }),
	]),
});

/** How recoveries stand, newest first. */
export const readRecoveriesJob = z.strictObject({
	kind: z.literal('recovery.read'),
	store: storeLocationSchema,
	recovery: recoveryIdSchema.optional(),
	name: z.string().min(1).max(200).optional(),
	/** Only those that have not ended. */
	open: z.boolean().default(false),
	limit: z.number().int().min(1).max(1000).default(1),
});
