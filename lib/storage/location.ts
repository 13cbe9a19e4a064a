import { z } from 'zod';
import { s3LocationSchema } from './s3/settings';

/** Where a store is, as plain data: what a job carries and a credential yields. */
export const storeLocationSchema = z.discriminatedUnion('type', [
	z.strictObject({
		type: z.literal('folder'),
		/** Absolute path of a folder on the machine that runs the job. */
		path: z.string().min(1),
		/** Folder inside it, so that several installations can share one disk. */
		prefix: z.string().default(''),
	}),
	s3LocationSchema,
]);

/** A checked place, defaults filled in. */
export type StoreLocation = z.infer<typeof storeLocationSchema>;
/** A place as callers write it. */
export type StoreLocationInput = z.input<typeof storeLocationSchema>;
export { CHECKSUM_MODES, LOCK_MODES, SERVER_SIDE_ENCRYPTIONS } from './s3/settings';
