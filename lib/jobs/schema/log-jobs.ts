import { z } from 'zod';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { storeLocationSchema } from '../../storage/location';

/** Brings `backup_log` in a database in line with a store. */
export const logJob = z.strictObject({
	kind: z.literal('catalog.log'),
	store: storeLocationSchema,
	connection: postgresConnectionSchema,
	database: z.string().min(1),
	schema: z.string().min(1).default('public'),
	/** Forget first what the log says of this store. */
	rebuild: z.boolean().default(false),
});
