import { z } from 'zod';

const count = z.number().int().nonnegative();

/** What an archive of files holds beyond its artifacts; the files themselves are listed in its index artifact. */
export const filesDetailsSchema = z.looseObject({
	/** Of the whole tree, not only of what this archive carries. */
	tree: z.looseObject({ files: count, folders: count, links: count, bytes: count }),
	/** What this archive carries; a full one carries the whole tree. */
	carried: z.looseObject({ files: count, bytes: count }),
	deleted: count,
});
export type FilesDetails = z.infer<typeof filesDetailsSchema>;
