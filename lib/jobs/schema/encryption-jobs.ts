import { z } from 'zod';
import { decryptionField, encryptionField } from './key-fields';

/** Tries the keys of a credential on a few bytes. */
export const testEncryptionJob = z.strictObject({ kind: z.literal('encryption.test'), ...encryptionField, ...decryptionField });
