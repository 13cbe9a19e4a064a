import { z } from 'zod';

const count = z.number().int().nonnegative();

/** Keys of one database, as counted while the snapshot streamed; `expiring` have a time to live. */
const databaseCountSchema = z.looseObject({ index: count, keys: count, expiring: count });

/** What a Redis backup holds beyond its artifacts. */
export const redisDetailsSchema = z.looseObject({
	flavor: z.enum(['redis', 'valkey']),
	/** The number in the RDB's header; of a cluster the largest. */
	rdbVersion: z.number().int().positive(),
	/** Keys per database, of all artifacts together. */
	databases: z.array(databaseCountSchema),
	/** How the servers were found. */
	deployment: z.enum(['standalone', 'sentinel', 'cluster']).optional(),
	/** One per artifact with the role `rdb`. Of a cluster there is one per master, and their moments differ by as long as the backup took. */
	snapshots: z
		.array(
			z.looseObject({
				artifact: z.string(),
				host: z.string(),
				port: z.number().int(),
				role: z.enum(['master', 'replica']),
				/** When the server began the snapshot, by its own clock (the RDB's `ctime`); null: the RDB does not say. */
				takenAt: z.iso.datetime({ offset: true }).nullable(),
				rdbVersion: z.number().int().positive(),
				/** false: the server writes no checksums, only the structure was checked. */
				checksummed: z.boolean(),
				databases: z.array(databaseCountSchema),
				types: z.record(z.string(), count),
				functionLibraries: count,
				modules: z.array(z.string()),
				/** Serialized bytes of the largest value. */
				largestValue: count,
				/** Hash slots that the server had; empty where there is no cluster. */
				slots: z.array(z.looseObject({ first: count, last: count })),
			}),
		)
		.optional(),
});
export type RedisDetails = z.infer<typeof redisDetailsSchema>;
export type RedisSnapshotDetails = NonNullable<RedisDetails['snapshots']>[number];
