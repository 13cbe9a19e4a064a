import { z } from 'zod';
import { basebackupDetailsSchema } from './basebackup-manifest';
import { BACKUP_KINDS, COMPONENTS } from './component';
import { filesDetailsSchema } from './files-manifest';
import { n8nDetailsSchema } from './n8n-manifest';
import { databaseSettingsSchema, extractSchema, postgresProofSchema } from './postgres-manifest';
import { redisDetailsSchema } from './redis-manifest';

export const MANIFEST_FORMAT_VERSION = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const moment = z.iso.datetime({ offset: true });
const byteCount = z.number().int().nonnegative();

/** Sorts by time: `20261122T020000Z-full-a1b2c3`. */
export const backupIdSchema = z.string().regex(/^\d{8}T\d{6}Z-[a-z]+-[0-9a-z]{6}$/);

/** A file name inside a backup's own folder: no separators, no leading dot, so that no manifest can point outside. */
export const artifactNameSchema = z
	.string()
	.max(200)
	.regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'an artifact name may hold letters, digits, dot, dash and underscore only')
	.refine((name) => !name.includes('..'), 'an artifact name may not hold ".."');

/** One stored file of a backup. `source*` describes the bytes before compression, `stored*` the bytes in the store. */
export const artifactSchema = z.looseObject({
	name: artifactNameSchema,
	/** What the file is for, e.g. `dump`, `globals`, `rows`, `instructions`. */
	role: z.string(),
	mediaType: z.string(),
	sourceBytes: byteCount,
	/** Absent where the content is an archive of which every file is compared with a digest of its own: those of a base backup, by the server's manifest. */
	sourceSha256: sha256.optional(),
	storedBytes: byteCount,
	storedSha256: sha256,
	compression: z.discriminatedUnion('algorithm', [
		z.looseObject({ algorithm: z.literal('none') }),
		/** `frameBytes`: the content of each frame; 0: one frame for all, as a server writes it. */
		z.looseObject({ algorithm: z.literal('zstd'), level: z.number().int(), frameBytes: byteCount }),
	]),
	/** How the (compressed) bytes were encrypted; absent: not at all. Recipients are public keys. */
	encryption: z
		.looseObject({ algorithm: z.literal('age'), to: z.enum(['recipients', 'passphrase']), recipients: z.array(z.string()).optional() })
		.optional(),
});

/** What tells this source from others of the component: a database's name, `globals`, a folder's label. */
const sourceName = z.string();

const serverSource = {
	name: sourceName,
	host: z.string(),
	port: z.number().int(),
	serverVersion: z.string(),
	/** PostgreSQL: `server_version_num` divided by 10000. Redis and Valkey: the first number of the version. */
	serverMajor: z.number().int(),
};

/** The thing that was backed up; two backups of one source belong to one series. Holds no secrets. */
export const sourceSchema = z.discriminatedUnion('type', [
	z.looseObject({ type: z.literal('postgres'), ...serverSource }),
	z.looseObject({ type: z.literal('redis'), ...serverSource }),
	/** `host`: the machine that read the folder. */
	z.looseObject({ type: z.literal('files'), name: sourceName, host: z.string(), folder: z.string() }),
	z.looseObject({ type: z.literal('n8n'), name: sourceName, host: z.string(), version: z.string(), database: z.enum(['sqlite', 'postgres']) }),
]);

/**
 * The record of one backup; the backup exists when this file exists, and it is written last.
 * Unknown fields are kept, so that a newer minor version's additions survive a rewrite.
 */
export const manifestSchema = z.looseObject({
	formatVersion: z.literal(MANIFEST_FORMAT_VERSION),
	id: backupIdSchema,
	component: z.enum(COMPONENTS),
	kind: z.enum(BACKUP_KINDS),
	status: z.literal('success'),
	startedAt: moment,
	finishedAt: moment,
	durationSeconds: z.number().nonnegative(),
	createdBy: z.looseObject({ name: z.string(), version: z.string(), host: z.string() }),
	source: sourceSchema,
	/** The backup that this one needs to be restored, or null when it stands alone. */
	parent: backupIdSchema.nullable(),
	sourceBytes: byteCount,
	storedBytes: byteCount,
	artifacts: z.array(artifactSchema),
	/** Things a person should know that did not fail the backup. */
	warnings: z.array(z.string()),
	note: z.string().optional(),
	postgres: z
		.looseObject({
			format: z.enum(['custom', 'directory', 'plain', 'copy']),
			clientVersion: z.string(),
			settings: databaseSettingsSchema.optional(),
			proof: postgresProofSchema.optional(),
			extract: extractSchema.optional(),
		})
		.optional(),
	basebackup: basebackupDetailsSchema.optional(),
	redis: redisDetailsSchema.optional(),
	files: filesDetailsSchema.optional(),
	n8n: n8nDetailsSchema.optional(),
	/** SHA-256 over the canonical JSON of everything else (see `manifest-digest.ts`): finds damage that is still valid JSON. */
	digest: sha256,
});

export type Artifact = z.infer<typeof artifactSchema>;
export type BackupSource = z.infer<typeof sourceSchema>;
export type SourceType = BackupSource['type'];
export type Manifest = z.infer<typeof manifestSchema>;
/** `Omit` would forget every known field, because unknown ones are allowed. */
export const manifestWithoutDigestSchema = manifestSchema.omit({ digest: true });
export type ManifestWithoutDigest = z.infer<typeof manifestWithoutDigestSchema>;
