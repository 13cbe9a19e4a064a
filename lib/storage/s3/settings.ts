import { z } from 'zod';

/** Names of buckets on AWS are stricter; other services also take capitals and underscores. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/;

/** Whether checksums (CRC32) travel with every request, or only with those for which S3 demands one; servers of before 2025 know only the latter. */
export const CHECKSUM_MODES = ['WHEN_SUPPORTED', 'WHEN_REQUIRED'] as const;
export const LOCK_MODES = ['governance', 'compliance'] as const;
export const SERVER_SIDE_ENCRYPTIONS = ['none', 'AES256', 'aws:kms'] as const;

/** Whose rights the store uses: a key pair, or the role of the machine (instance, container or service account). */
const credentialsSchema = z.discriminatedUnion('from', [
	z.strictObject({
		from: z.literal('keys'),
		accessKeyId: z.string().min(1),
		secretAccessKey: z.string().min(1),
		/** Of temporary keys. */
		sessionToken: z.string().default(''),
	}),
	z.strictObject({ from: z.literal('role') }),
]);

/** A place in a bucket of S3 or of a service that speaks its protocol, as plain data. */
export const s3LocationSchema = z.strictObject({
	type: z.literal('s3'),
	bucket: z.string().regex(BUCKET, 'not the name of a bucket'),
	/** Folder inside the bucket, so that several installations can share it. */
	prefix: z.string().max(200).default(''),
	/** Address of the service; empty: AWS. */
	endpoint: z.string().refine(isPlainAddress, 'not an address like https://s3.example.com, without user, password, query or fragment').default(''),
	region: z.string().min(1).default('us-east-1'),
	/** `https://host/bucket/key` instead of `https://bucket.host/key`. */
	forcePathStyle: z.boolean().default(false),
	checksums: z.enum(CHECKSUM_MODES).default('WHEN_SUPPORTED'),
	/** PEM of the authorities that alone are trusted for this service; empty: those of Node. */
	ca: z.string().default(''),
	credentials: credentialsSchema,
	/** Nobody may delete or change a backup for so many days from its writing; the bucket must have been made with Object Lock. */
	objectLock: z.strictObject({ mode: z.enum(LOCK_MODES), days: z.int().min(1).max(36_500) }).nullable().default(null),
	/** Bytes a second, of all transfers of one job together; 0: no limit. */
	uploadLimit: z.int().min(0).default(0),
	downloadLimit: z.int().min(0).default(0),
	/** e.g. `STANDARD_IA`; empty: the bucket's own. Only for objects that are never rewritten. */
	storageClass: z.string().regex(/^[A-Z0-9_]*$/, 'not the name of a storage class').default(''),
	serverSideEncryption: z.enum(SERVER_SIDE_ENCRYPTIONS).default('none'),
	/** For `aws:kms`; empty: the bucket's or the account's own key. */
	kmsKeyId: z.string().default(''),
});

export type S3Location = z.infer<typeof s3LocationSchema>;

/** A user or password in the address would end up in messages. */
function isPlainAddress(text: string): boolean {
	if (text === '') return true;
	if (!URL.canParse(text)) return false;
	const { protocol, username, password, search, hash } = new URL(text);
	return ['http:', 'https:'].includes(protocol) && username === '' && password === '' && search === '' && hash === '';
}
