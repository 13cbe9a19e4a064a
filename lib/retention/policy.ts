import { z } from 'zod';

/** What to keep. A backup is kept when any rule keeps it; periods follow the calendar of `timeZone`. */
export const retentionPolicySchema = z.strictObject({
	/** The newest N verified backups of each series are always kept. */
	keepLastVerified: z.number().int().min(1).default(2),
	/** Everything younger than this many days is kept. */
	keepDays: z.number().min(0).default(30),
	/** The newest backup of each of the last N days / ISO weeks / months / years that have one is kept. */
	daily: z.number().int().min(0).default(0),
	weekly: z.number().int().min(0).default(0),
	monthly: z.number().int().min(0).default(0),
	yearly: z.number().int().min(0).default(0),
	/** The members of the newest N complete recovery points are kept. */
	keepRecoveryPoints: z.number().int().min(0).default(0),
	/** IANA name. */
	timeZone: z.string().default('UTC'),
});

export type RetentionPolicy = z.infer<typeof retentionPolicySchema>;
