import { z } from 'zod';

const count = z.number().int().nonnegative();

/** What an archive of files holds beyond its artifacts; the files themselves are listed in its index artifact. */
export const filesDetailsSchema = z.looseObject({
	/** Of the whole tree, not only of what this archive carries. `links`: symbolic ones and further names of files. */
	tree: z.looseObject({ files: count, folders: count, links: count, bytes: count }),
	/** What this archive carries; a full one carries the whole tree. */
	carried: z.looseObject({ files: count, bytes: count }),
	/** Entries of the parent that are not in the folder any more. */
	deleted: count,
	/** Files that still changed during the last attempt to read them. */
	inconsistent: count.optional(),
	/** What the folder held and this backup does not; every one is named in the index. */
	leftOut: z.looseObject({ vanished: count, unreadable: count, special: count, otherFilesystems: count }).optional(),
	/** The patterns by which files were chosen. */
	selection: z.looseObject({ include: z.array(z.string()), exclude: z.array(z.string()) }).optional(),
});
export type FilesDetails = z.infer<typeof filesDetailsSchema>;
