import { z } from 'zod';
import { openAlertSchema } from '../../alerts/alert-state';
import { problemSchema } from '../../alerts/problem';
import { storeLocationSchema } from '../../storage/location';
import { statusFields } from './log-jobs';

const policyFields = {
	repeatHours: z.number().nonnegative().max(100_000).default(24),
	escalateAfterHours: z.array(z.number().positive().max(100_000)).max(10).default([]),
};

/** What people must be told of a store now. */
export const checkAlertsJob = z.strictObject({ kind: z.literal('alerts.checkStore'), ...statusFields, ...policyFields });

/** Whether people must be told of a workflow that failed. */
export const checkWorkflowAlertJob = z.strictObject({
	kind: z.literal('alerts.checkWorkflow'),
	store: storeLocationSchema,
	...policyFields,
	workflow: z.string().min(1).max(200),
	problem: problemSchema.omit({ key: true }),
});

/** Remembers what was delivered. */
export const recordAlertsJob = z.strictObject({
	kind: z.literal('alerts.record'),
	store: storeLocationSchema,
	delivered: z.array(z.strictObject({ key: z.string(), after: openAlertSchema.nullable() })).max(10_000),
});

/** Writes down that something on a schedule has succeeded, and when its next success is due. */
export const recordSuccessJob = z.strictObject({
	kind: z.literal('catalog.recordSuccess'),
	store: storeLocationSchema,
	id: z.string().min(1).max(200),
	name: z.string().min(1).max(500),
	nextWithinHours: z.number().positive().max(100_000),
	/** When the next run is to begin. */
	dueAt: z.iso.datetime({ offset: true }).optional(),
});

/** Writes down that something on a schedule has begun. */
export const recordStartJob = z.strictObject({ kind: z.literal('catalog.recordStart'), store: storeLocationSchema, id: z.string().min(1).max(200), name: z.string().min(1).max(500) });

/** Takes what should have begun by the clock and has not. */
export const missedRunsJob = z.strictObject({ kind: z.literal('catalog.missedRuns'), store: storeLocationSchema });
