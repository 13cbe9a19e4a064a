import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField } from './key-fields';
import { baseChoiceSchema, serverFolder } from './recover-jobs';

const absolutePath = z.string().min(1).refine((path) => isAbsolute(path) && !path.includes('\0'), 'must be an absolute path');
const moment = z.iso.datetime({ offset: true, precision: undefined });
const place = z.strictObject({ connection: postgresConnectionSchema, database: z.string().min(1) });

const questionSchema = z.strictObject({
	database: z.string().min(1),
	/** One statement that yields one row with one boolean: true where the damage is there. */
	sql: z.string().min(1),
	timeoutSeconds: z.number().positive().max(86_400).default(600),
});

/** Finds the transaction that did the damage, by asking throwaway recoveries. */
export const findIncidentJob = z.strictObject({
	kind: z.literal('postgres.findIncident'),
	store: storeLocationSchema,
	...decryptionField,
	base: baseChoiceSchema.default({ by: 'newest' }),
	timeline: z.number().int().positive().nullable().default(null),
	/** A moment when all was well; null: the end of the newest base backup before `to`. */
	from: moment.nullable().default(null),
	/** A moment when the damage was there; null: the newest that is archived. */
	to: moment.nullable().default(null),
	question: questionSchema,
	/** Does not exist yet, or is empty; empty again afterwards. */
	folder: absolutePath,
	serverFolder,
	user: z.string().default(''),
	/** How often a base backup may be laid out. */
	mostRecoveries: z.number().int().min(1).max(100).default(12),
});

/** Asks a running server whether the damage is there. */
export const askDamagedJob = z.strictObject({
	kind: z.literal('postgres.askDamaged'),
	connection: postgresConnectionSchema,
	question: questionSchema,
});

/** Writes a patch that undoes what an incident did to the rows of a live database, and nothing that came later. */
export const diffRowsJob = z.strictObject({
	kind: z.literal('postgres.diffRows'),
	/** Recovered to just before the incident. */
	before: place,
	/** Recovered to just after it. */
	after: place,
	live: place,
	/** `schema.table`; empty: all. */
	tables: z.array(z.string().min(1)).default([]),
	/** Must not exist. */
	patchFile: absolutePath,
	/** How many of its statements the result shows, with the values in them. */
	previewStatements: z.number().int().min(0).max(500).default(0),
});

/** Applies such a patch in one transaction. */
export const applyPatchJob = z.strictObject({
	kind: z.literal('postgres.applyPatch'),
	connection: postgresConnectionSchema,
	database: z.string().min(1),
	patchFile: absolutePath,
	/** Of the file that was reviewed; empty: not compared. */
	sha256: z.union([z.literal(''), z.string().regex(/^[0-9a-fA-F]{64}$/)]).default(''),
	/** The name of the database, as a person typed it. */
	confirmation: z.string().default(''),
	dryRun: z.boolean().default(true),
	lockWaitSeconds: z.number().min(0).default(30),
});
