import { z } from 'zod';

/** Where a store is, as plain data: what a job carries and a credential yields. */
export const storeLocationSchema = z.discriminatedUnion('type', [
	z.strictObject({
		type: z.literal('folder'),
		/** Absolute path of a folder on the machine that runs the job. */
		path: z.string().min(1),
		/** Folder inside it, so that several installations can share one disk. */
		prefix: z.string().default(''),
	}),
]);

export type StoreLocation = z.infer<typeof storeLocationSchema>;
