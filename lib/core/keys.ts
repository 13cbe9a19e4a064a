import { z } from 'zod';

/** An X25519 recipient as `age-keygen` prints it: https://age-encryption.org/v1 "The X25519 recipient type". */
const recipientSchema = z.string().regex(/^age1[02-9ac-hj-np-z]{58}$/, 'is not a public key of age (age1…)');

const identitySchema = z.string().regex(/^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/, 'is not a secret key of age (AGE-SECRET-KEY-1…)');

/** Shorter ones are guessed too soon by whoever holds a copy of the store. */
export const SHORTEST_PASSPHRASE = 12;

/** What backups are encrypted with. With recipients the writer cannot read what it wrote. */
export const encryptionSchema = z.discriminatedUnion('to', [
	z.strictObject({ to: z.literal('recipients'), recipients: z.array(recipientSchema).min(1).max(20) }),
	z.strictObject({ to: z.literal('passphrase'), passphrase: z.string().min(SHORTEST_PASSPHRASE) }),
]);
export type Encryption = z.infer<typeof encryptionSchema>;

/** What encrypted backups are read with: every identity and the passphrase are tried. */
export const decryptionSchema = z.strictObject({
	identities: z.array(identitySchema).default([]),
	passphrase: z.string().min(1).optional(),
});
export type Decryption = z.infer<typeof decryptionSchema>;

/** The keys of one job; null: none were given. */
export interface JobKeys {
	readonly encryption: Encryption | null;
	readonly decryption: Decryption | null;
}

export const NO_KEYS: JobKeys = { encryption: null, decryption: null };
