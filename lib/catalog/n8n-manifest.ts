import { z } from 'zod';

/** What a backup of n8n holds beyond its artifacts. */
export const n8nDetailsSchema = z.looseObject({
	/** Counts in the backed-up database, by table. */
	counts: z.record(z.string(), z.number().int().nonnegative()),
	/** Whether the instance's encryption key is among the artifacts. */
	encryptionKey: z.boolean(),
});
export type N8nDetails = z.infer<typeof n8nDetailsSchema>;
