import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { OVERWRITE_POLICIES, OWNER_POLICIES } from '../../files/restore/options';
import { storeLocationSchema } from '../../storage/location';
import { allowUnencryptedField, decryptionField, encryptionField } from './key-fields';
import { backupChoiceSchema } from './postgres-restore-jobs';

/** Components whose backups are archives of files. */
export const FILE_COMPONENTS = ['files', 'config', 'logs'] as const;

const component = z.enum(FILE_COMPONENTS).default('files');
const absolutePath = z.string().min(1).refine((path) => isAbsolute(path) && !path.includes('\0'), 'must be an absolute path');
/** Relative to the folder; see `selection.ts` for what they mean. */
const patterns = z.array(z.string().min(1).max(1000)).max(1000).default([]);

export const archiveFilesJob = z.strictObject({
	kind: z.literal('files.archive'),
	store: storeLocationSchema,
	component,
	folder: absolutePath,
	/** `source.name`, by which later backups of the same folder are found; empty: the folder's path. */
	label: z.string().max(200).default(''),
	/** `incremental`: what changed since the newest backup of the same label; a full one where there is none. */
	mode: z.enum(['full', 'incremental']).default('full'),
	/** Empty: everything. */
	include: patterns,
	exclude: patterns,
	/** Leave out what is mounted inside the folder. */
	oneFileSystem: z.boolean().default(false),
	/** How often a file that changes while it is read is read again, before it is kept as it is and named. */
	retries: z.number().int().min(0).max(20).default(3),
	/** Files that cannot be read fail the run, or are named and left out. */
	unreadable: z.enum(['fail', 'name']).default('fail'),
	/** Incremental: compare contents instead of trusting size, times and inode. */
	compareContent: z.boolean().default(false),
	/** So many incremental backups may follow a full one, then the next is full. */
	mostIncrementals: z.number().int().min(1).max(500).default(30),
	/** Incremental, where there is no usable parent: make a full one with a warning, or fail. */
	missingParent: z.enum(['full', 'fail']).default('full'),
	compressionLevel: z.number().int().min(1).max(19).default(1),
	lockWaitSeconds: z.number().min(0).default(0),
	note: z.string().max(500).optional(),
	...allowUnencryptedField,
	...encryptionField,
	/** An incremental backup reads the index of its parent, which is encrypted like everything else. */
	...decryptionField,
});

export const restoreFilesJob = z.strictObject({
	kind: z.literal('files.restore'),
	store: storeLocationSchema,
	component,
	backup: backupChoiceSchema,
	folder: absolutePath,
	/** `beside`: a folder that does not exist yet or is empty. `inPlace`: the live one. */
	mode: z.enum(['beside', 'inPlace']).default('beside'),
	include: patterns,
	exclude: patterns,
	overwrite: z.enum(OVERWRITE_POLICIES).default('never'),
	/** Put behind every name but those of folders, e.g. `.restored`. */
	suffix: z.string().max(50).default(''),
	removeUnknown: z.boolean().default(false),
	owner: z.enum(OWNER_POLICIES).default('numbers'),
	/** Show the plan, change nothing. */
	dryRun: z.boolean().default(false),
	/** In place: the name of the folder. */
	confirmation: z.string().default(''),
	...decryptionField,
});

/** Restores into a throwaway folder, compares with the index, removes it. */
export const filesDrillJob = z.strictObject({
	kind: z.literal('verify.filesDrill'),
	store: storeLocationSchema,
	component,
	backup: backupChoiceSchema,
	/** Where there is room for all files; empty: the job's work folder. */
	folder: z.union([z.literal(''), absolutePath]).default(''),
	...decryptionField,
});
