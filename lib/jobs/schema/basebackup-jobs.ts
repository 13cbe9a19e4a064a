import { z } from 'zod';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField, encryptionField } from './key-fields';

/** A physical copy of a whole PostgreSQL server. */
export const baseBackupJob = z.strictObject({
	kind: z.literal('postgres.baseBackup'),
	connection: postgresConnectionSchema,
	store: storeLocationSchema,
	/** `incremental`: what changed since the newest one of the same name; PostgreSQL 17 and newer. */
	mode: z.enum(['full', 'incremental']).default('full'),
	/** Name of the series; empty: the server's address. */
	name: z.string().max(200).default(''),
	/** `spread` is easier on the server's disk, and may take minutes before anything is sent. */
	checkpoint: z.enum(['fast', 'spread']).default('fast'),
	/** Kilobytes a second; the server takes 32 to 1048576. null: as fast as it goes. */
	maxRateKilobytes: z.number().int().min(32).max(1_048_576).nullable().default(null),
	compressionLevel: z.number().int().min(1).max(19).default(1),
	/** `server`: by the server where it can (PostgreSQL 15 and newer, built with zstd), else here. */
	compressAt: z.enum(['server', 'here']).default('here'),
	/** So many incremental backups may follow a full one, then the next is full. */
	mostIncrementals: z.number().int().min(1).max(500).default(30),
	/** Incremental, where it is not possible: a full one with a warning, or an error. */
	whenImpossible: z.enum(['full', 'fail']).default('full'),
	lockWaitSeconds: z.number().min(0).default(0),
	note: z.string().max(500).optional(),
	...encryptionField,
	/** An incremental backup reads the manifest of its parent, which is encrypted like everything else. */
	...decryptionField,
});

/** Checks all that base backups and the archiving of WAL need of a server and reports each point; changes nothing. */
export const replicationPreflightJob = z.strictObject({
	kind: z.literal('postgres.replicationPreflight'),
	connection: postgresConnectionSchema,
	/** Where backups are to go, for its free space. */
	store: storeLocationSchema.nullable().default(null),
});
