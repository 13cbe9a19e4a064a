import { z } from 'zod';
import { backupIdSchema } from './manifest';

/**
 * How well a backup has been proven, weakest first.
 * `checksum`: the bytes are as written. `structure`: the tool of that format parses all of it.
 * `restore`: restored into a throwaway target whose contents equal the proof taken at backup time.
 */
export const VERIFICATION_LEVELS = ['checksum', 'structure', 'restore'] as const;
export type VerificationLevel = (typeof VERIFICATION_LEVELS)[number];

export const verificationCheckSchema = z.looseObject({
	level: z.enum(VERIFICATION_LEVELS),
	passed: z.boolean(),
	at: z.iso.datetime({ offset: true }),
	durationSeconds: z.number().nonnegative(),
	/** What was compared, or why it failed. */
	detail: z.string(),
});

/** `verification.json` beside the manifest: the newest checks of one backup, oldest first. */
export const verificationSchema = z.looseObject({
	formatVersion: z.literal(1),
	backup: backupIdSchema,
	checks: z.array(verificationCheckSchema),
});

export type VerificationCheck = z.infer<typeof verificationCheckSchema>;
export type Verification = z.infer<typeof verificationSchema>;
