import { z } from 'zod';

/** What a Redis backup holds beyond its artifacts. */
export const redisDetailsSchema = z.looseObject({
	flavor: z.enum(['redis', 'valkey']),
	/** The number in the RDB's header. */
	rdbVersion: z.number().int().positive(),
	/** Keys per database, as counted while the snapshot streamed; `expiring` have a time to live. */
	databases: z.array(z.looseObject({ index: z.number().int().nonnegative(), keys: z.number().int().nonnegative(), expiring: z.number().int().nonnegative() })),
});
export type RedisDetails = z.infer<typeof redisDetailsSchema>;
