import { z } from 'zod';
import { VERIFICATION_LEVELS } from '../../catalog/verification';
import { redisConnectionSchema } from '../../redis/connection-settings';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField, encryptionField } from './key-fields';
import { backupChoiceSchema } from './postgres-restore-jobs';

export const testRedisJob = z.strictObject({ kind: z.literal('redis.testConnection'), connection: redisConnectionSchema });

export const snapshotRedisJob = z.strictObject({
	kind: z.literal('redis.snapshot'),
	connection: redisConnectionSchema,
	store: storeLocationSchema,
	...encryptionField,
	/** Name of the series; empty: the server's address, or the master's name. */
	name: z.string().max(200).default(''),
	compressionLevel: z.number().int().min(1).max(19).default(1),
	/** Published as kind `safety`: as the server was before it was overwritten. */
	safety: z.boolean().default(false),
	/** How long to wait for another run of the component before giving up with `LOCK_HELD`. */
	lockWaitSeconds: z.number().min(0).default(0),
	note: z.string().max(500).optional(),
});

/** An address to listen on; port 0: any free one. */
const listenAddressSchema = z.strictObject({ host: z.string(), port: z.number().int().min(0).max(65535).default(0) });

export const redisRestoreTargetSchema = z.discriminatedUnion('mode', [
	z.strictObject({
		mode: z.literal('keys'),
		/** What happens to a key of the target that the backup has as well. */
		existing: z.enum(['keep', 'overwrite']).default('keep'),
		/** Patterns of Redis (`KEYS`); empty: all keys. */
		patterns: z.array(z.string().min(1)).default([]),
		/** Empty: all. */
		databases: z.array(z.number().int().min(0).max(2_147_483_647)).default([]),
		functions: z.enum(['restore', 'skip']).default('restore'),
	}),
	z.strictObject({
		mode: z.literal('replace'),
		/** Where the job listens for the target. */
		listen: listenAddressSchema.prefault({ host: '0.0.0.0' }),
		/** How the target reaches it; empty host: by the address from which the job reaches the target. Port 0: the one that is listened on. */
		announce: listenAddressSchema.prefault({ host: '' }),
	}),
	z.strictObject({
		mode: z.literal('file'),
		/** Absolute path of a folder that exists. */
		folder: z.string().min(1),
	}),
]);


export const restoreRedisJob = z.strictObject({
	kind: z.literal('redis.restore'),
	store: storeLocationSchema,
	...decryptionField,
	/** null: only for `file`. */
	connection: redisConnectionSchema.nullable().default(null),
	backup: backupChoiceSchema,
	target: redisRestoreTargetSchema.prefault({ mode: 'keys' }),
	/** The backup must have reached this level before; `none` restores an unverified one (all of it is checked all the same). */
	minimumVerification: z.enum(['none', ...VERIFICATION_LEVELS]).default('none'),
	/** Check everything and show the plan, change nothing. */
	dryRun: z.boolean().default(false),
	/** What the person typed; needed where the target holds keys. */
	confirmation: z.string().default(''),
});

/** Restores into a throwaway server and compares the counts. */
export const redisDrillJob = z.strictObject({
	kind: z.literal('verify.redisDrill'),
	store: storeLocationSchema,
	...decryptionField,
	backup: backupChoiceSchema,
	/** An empty server to use; null: `redis-server` of this machine is started for it. */
	connection: redisConnectionSchema.nullable().default(null),
	/** The program to start; empty: search PATH for redis-server and valkey-server. */
	serverProgram: z.string().default(''),
});

