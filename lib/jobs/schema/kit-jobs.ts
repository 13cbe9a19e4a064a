import { z } from 'zod';
import { storeLocationSchema } from '../../storage/location';
import { allowUnencryptedField, decryptionField, encryptionField } from './key-fields';

/** Writes a break-glass kit for the backups in `store`, proven in an empty folder. */
export const writeKitJob = z.strictObject({
	kind: z.literal('breakGlass.write'),
	store: storeLocationSchema,
	/** Where the kit goes; null: beside the backups. */
	target: storeLocationSchema.nullable().default(null),
	title: z.string().min(1).max(200).default('Recovery'),
	/** Contacts, where keys are kept: printed below the steps. */
	notes: z.string().max(20_000).default(''),
	includeStoreKeys: z.boolean().default(false),
	/** To whom the kit is encrypted. */
	...encryptionField,
	/** Opens the backups (and the kit where it is encrypted to the same), for the proof. */
	...decryptionField,
	...allowUnencryptedField,
});
