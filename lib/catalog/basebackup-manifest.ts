import { z } from 'zod';

const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
const moment = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();

/** What a base backup (a physical copy of a whole server) is, beyond its artifacts. */
export const basebackupDetailsSchema = z.looseObject({
	/** Tells a server and its standbys from all others (`pg_control_system()`); a decimal number too large for JSON. */
	systemIdentifier: z.string().regex(/^\d{1,20}$/),
	/** `server_version_num` of the server. */
	serverVersionNumber: z.number().int(),
	/** Where its WAL starts and ends: it is consistent from `endLsn` on, never before. */
	timeline: z.number().int().positive(),
	startLsn: lsn,
	endLsn: lsn,
	/** By the server's clock, before and after; a point in time can be reached only after `endedAt`. */
	beganAt: moment,
	endedAt: moment,
	segmentBytes: z.number().int().positive(),
	blockBytes: z.number().int().positive(),
	/** Whether the server's pages carry checksums, which it checks while it sends them. */
	pageChecksums: z.boolean(),
	/** Files and their bytes after recovery, without directories and without the WAL that is sent along. */
	files: z.looseObject({ count, bytes: count }),
	/** Those other than `pg_default` and `pg_global`: each has an archive of its own, `<oid>.tar`. */
	tablespaces: z.array(z.looseObject({ oid: z.number().int().positive(), location: z.string(), artifact: z.string() })),
	/** Databases of the server when the backup ended; null where the role may not know the size. */
	databases: z.array(z.looseObject({ name: z.string(), bytes: count.nullable() })),
});

export type BasebackupDetails = z.infer<typeof basebackupDetailsSchema>;
