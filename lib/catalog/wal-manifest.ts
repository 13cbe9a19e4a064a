import { z } from 'zod';
import { artifactSchema } from './manifest';

const moment = z.iso.datetime({ offset: true });
const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);

/** What a span of WAL says about time; found by walking its records. */
export const walTimesSchema = z.looseObject({
	/** Commit times in it, by the server's clock; null where nothing was committed. */
	firstCommitAt: moment.nullable(),
	lastCommitAt: moment.nullable(),
	commits: z.number().int().nonnegative(),
	/** Made by pg_create_restore_point(). */
	restorePoints: z.array(z.looseObject({ name: z.string(), at: moment, lsn })),
});

/**
 * The record of one object of the WAL archive: a whole segment, a piece of the segment that is still being written, or a timeline's history.
 * The object counts as archived when its record exists, and that is written last.
 */
export const walRecordSchema = z.looseObject({
	formatVersion: z.literal(1),
	content: z.enum(['segment', 'piece', 'history']),
	systemIdentifier: z.string().regex(/^\d{1,20}$/),
	timeline: z.number().int().positive(),
	/** Of the segment that it is, or belongs to; `00000002.history` of a history. */
	file: z.string().regex(/^([0-9A-F]{24}|[0-9A-F]{8}\.history)$/),
	/** What of the log it holds: from `startLsn` up to, and without, `endLsn`. Equal for a history. */
	startLsn: lsn,
	endLsn: lsn,
	segmentBytes: z.number().int().positive(),
	serverMajor: z.number().int(),
	archivedAt: moment,
	/**
	 * By the server's clock when it sent the last byte of this and had no more to send: everything that was committed before this time lies before `endLsn`.
	 * Null where it had more (a catch-up): what came after `endLsn` may be older than the moment of sending, and a recovery to that moment would lack it.
	 */
	sentAt: moment.nullable(),
	/** Absent where the records were not walked. */
	times: walTimesSchema.optional(),
	/** Of a history: the ancestors of its timeline and where each was left, so that an encrypted archive can be followed without its key. */
	switches: z.array(z.looseObject({ timeline: z.number().int().positive(), lsn })).optional(),
	/** The stored object, in the same folder as this record. */
	artifact: artifactSchema.required({ sourceSha256: true }),
});

export type WalTimes = z.infer<typeof walTimesSchema>;
export type WalRecord = z.infer<typeof walRecordSchema>;
/** `Omit` would forget every known field, because unknown ones are allowed. */
export const walFactsSchema = walRecordSchema.omit({ formatVersion: true, artifact: true });
export type WalFacts = z.infer<typeof walFactsSchema>;
