import { z } from 'zod';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField, encryptionField } from './key-fields';

const archivingCommon = {
	connection: postgresConnectionSchema,
	store: storeLocationSchema,
	/** Of the server, for messages; empty: its address. */
	name: z.string().max(200).default(''),
	/** The physical replication slot with which the server keeps the log for this archive; made where it is missing. Each archive needs one of its own. */
	slotName: z
		.string()
		.regex(/^[a-z0-9_]{1,63}$/, 'may hold lower-case letters, digits and underscores only')
		.default('backup_recovery'),
	compressionLevel: z.number().int().min(1).max(19).default(1),
	lockWaitSeconds: z.number().min(0).default(0),
	...encryptionField,
	/** Reads the histories of an archive that an older version wrote. */
	...decryptionField,
};

/** Archives the WAL since the last time up to the server's present position, and stops. */
export const archiveWalJob = z.strictObject({
	kind: z.literal('postgres.archiveWal'),
	...archivingCommon,
	/** Ends the segment being written; without the right to, its beginning is archived. */
	switchSegment: z.boolean().default(true),
});

/** Archives WAL as it is written. Does not end by itself; what happens comes as items. */
export const streamWalJob = z.strictObject({
	kind: z.literal('postgres.streamWal'),
	...archivingCommon,
	/** So often what is written of the open segment is archived: at most so much is lost with the server. */
	pieceSeconds: z.number().min(0.1).max(3600).default(10),
	/** An item after each archived segment. */
	itemPerSegment: z.boolean().default(false),
	/** An item so often, also when nothing was written; null: none. */
	itemSeconds: z.number().min(0.1).nullable().default(300),
	/** An idle server gets a small commit so often, so that the time up to which it can be recovered moves on; null: none. */
	heartbeatSeconds: z.number().min(0.1).nullable().default(60),
});
