import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from './canonical-json';
import { BACKUP_KINDS, COMPONENTS } from './component';
import { backupIdSchema } from './manifest';

export const RECOVERY_POINT_FORMAT_VERSION = 1;

const moment = z.iso.datetime({ offset: true });

/** Sorts by time: `20261122T020000Z-set-a1b2c3`. */
export const recoveryPointIdSchema = z.string().regex(/^\d{8}T\d{6}Z-set-[0-9a-z]{6}$/);

/** A backup of the set. */
export const recoveryMemberSchema = z.looseObject({
	component: z.enum(COMPONENTS),
	kind: z.enum(BACKUP_KINDS),
	/** `source.name` of the backup's manifest. */
	source: z.string(),
	backup: backupIdSchema,
	startedAt: moment,
	finishedAt: moment,
	/**
	 * When the data was as the backup holds it. With `exact`, `from` and `to` are one moment: a snapshot. Otherwise the source was read
	 * from `from` to `to`, each part of it at some moment in between.
	 */
	asOf: z.looseObject({ from: moment, to: moment, exact: z.boolean() }),
	/** The digest in the backup's manifest. */
	digest: z.string().regex(/^[0-9a-f]{64}$/),
});
export type RecoveryMember = z.infer<typeof recoveryMemberSchema>;

/** What should have been in the set and is not. */
export const missingMemberSchema = z.looseObject({
	component: z.enum(COMPONENTS).nullable(),
	/** What failed, in the words of whoever ran it, e.g. the node's name. */
	what: z.string(),
	message: z.string(),
	code: z.string().optional(),
	hint: z.string().optional(),
});
export type MissingMember = z.infer<typeof missingMemberSchema>;

/** From the earliest to the latest moment that a member shows: the members may differ by what happened in between. */
export const spanSchema = z.looseObject({
	from: moment,
	to: moment,
	seconds: z.number().nonnegative(),
	/** The same for people: what could differ between the members. */
	explanation: z.string(),
});
export type RecoverySpan = z.infer<typeof spanSchema>;

/**
 * `sets/<id>/manifest.json`: the backups of one run, which belong together. It is written once, after its members, and sealed by
 * its digest. Unknown fields are kept.
 */
export const recoveryPointSchema = z.looseObject({
	formatVersion: z.literal(RECOVERY_POINT_FORMAT_VERSION),
	id: recoveryPointIdSchema,
	/** What the run calls it, e.g. the workflow's name. */
	name: z.string(),
	recordedAt: moment,
	createdBy: z.looseObject({ name: z.string(), version: z.string(), host: z.string() }),
	/** Nothing was missing when it was recorded. */
	complete: z.boolean(),
	members: z.array(recoveryMemberSchema),
	missing: z.array(missingMemberSchema),
	/** null: no member. */
	span: spanSchema.nullable(),
	note: z.string().optional(),
	/** SHA-256 over the canonical JSON of everything else. */
	digest: z.string().regex(/^[0-9a-f]{64}$/),
});
export type RecoveryPoint = z.infer<typeof recoveryPointSchema>;
export type RecoveryPointWithoutDigest = z.infer<typeof recoveryPointWithoutDigestSchema>;
export const recoveryPointWithoutDigestSchema = recoveryPointSchema.omit({ digest: true });

/** SHA-256 over the canonical JSON of the fields other than `digest`. */
export function recoveryPointDigest(fields: Readonly<Record<string, unknown>>): string {
	const { digest: _, ...rest } = fields;
	return createHash('sha256').update(canonicalJson(rest)).digest('hex');
}

/** Completes a recovery point with its digest and checks it. */
export function sealRecoveryPoint(fields: RecoveryPointWithoutDigest): RecoveryPoint {
	const plain = JSON.parse(JSON.stringify(fields)) as Record<string, unknown>;
	return recoveryPointSchema.parse({ ...plain, digest: recoveryPointDigest(plain) });
}

const ABOUT = 'manifest.json of a recovery point, format version 1. Unknown fields are allowed and kept.';

/** As published in `docs/recovery-point.schema.json` (JSON Schema 2020-12). */
export function recoveryPointJsonSchema(): Record<string, unknown> {
	return { title: 'Recovery point', description: ABOUT, ...z.toJSONSchema(recoveryPointSchema, { io: 'input' }) };
}
