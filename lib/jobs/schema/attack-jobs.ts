import { z } from 'zod';
import { COMPONENTS } from '../../catalog/component';
import { DEFAULT_TARGETS } from '../../report/kpis';
import { storeLocationSchema } from '../../storage/location';

/** Whether anybody could delete the newest backups, told object by object. */
export const lockStatesJob = z.strictObject({
	kind: z.literal('catalog.lockStates'),
	store: storeLocationSchema,
	/** The newest so many. */
	limit: z.number().int().min(1).max(10_000).default(100),
});

/** Which recovery points look as if nobody had wrecked what they hold. */
export const cleanPointsJob = z.strictObject({
	kind: z.literal('catalog.cleanPoints'),
	store: storeLocationSchema,
	/** What the proposed one must hold. */
	needed: z.array(z.enum(COMPONENTS)).default([]),
});

/** Writes what investigators need into a folder of its own, every file with its hash. */
export const forensicsJob = z.strictObject({
	kind: z.literal('forensics.collect'),
	store: storeLocationSchema,
	/** Absolute path; a new folder is made in it. */
	folder: z.string().min(1),
	/** Absolute paths of folders whose files are listed with their hashes; the files themselves are not copied. */
	evidence: z.array(z.string().min(1)).max(20).default([]),
	/** What happened, for the first page. */
	note: z.string().max(10_000).default(''),
});

/** How long a recovery is going to take, told from drills. */
export const forecastRtoJob = z.strictObject({
	kind: z.literal('recovery.forecast'),
	store: storeLocationSchema,
	/** The runbook whose journals count. */
	name: z.string().min(1).max(200),
	targetSeconds: z.number().positive().default(DEFAULT_TARGETS.rtoSeconds),
});
