import { z } from 'zod';
import { decryptionSchema, encryptionSchema } from '../../core/keys';

/** For jobs that write a backup; null: not encrypted. The job's process puts the keys into its context. */
export const encryptionField = { encryption: encryptionSchema.nullable().default(null) };

/** For jobs that read backups; null: only those that are not encrypted can be read. */
export const decryptionField = { decryption: decryptionSchema.nullable().default(null) };

/** For jobs whose backups hold secrets: without a key they are refused unless this is on. */
export const allowUnencryptedField = { allowUnencrypted: z.boolean().default(false) };
