import { z } from 'zod';

/** What our mark on a database says. It is the database's COMMENT, so that it is there exactly as long as the database is. */
export const databaseMarkSchema = z.looseObject({
	version: z.literal(1),
	/**
	 * `scratch`: being filled by a restore or a drill; dropped by the next run once the process that made it is dead.
	 * `previous`: was live until a restore replaced it. `undone`: came from a restore that was undone.
	 * `fenced`: is live, and closed to clients until the fence is lifted.
	 */
	role: z.enum(['scratch', 'previous', 'undone', 'fenced']),
	/** The live database's name. */
	database: z.string(),
	/** The backup that was restored; empty for a fence around what was live before. */
	backup: z.string(),
	at: z.iso.datetime({ offset: true }),
	/** Host and process that made it, for people. */
	madeBy: z.string(),
	/** The comment that the database itself had, to be put back. */
	comment: z.string().nullable().default(null),
	/** Whether it let clients in before it was set aside. */
	connectionLimit: z.number().int().default(-1),
	/** Of one that is fenced: whether it let clients in before; left out: it did. */
	open: z.boolean().optional(),
});
export type DatabaseMark = z.infer<typeof databaseMarkSchema>;

const OPENING = '[n8n-nodes-backup-recovery ';

/** The comment: a sentence for people, then the mark as JSON. */
export function markComment(mark: DatabaseMark): string {
	// The opening must not occur inside: the database's own comment may hold a mark.
	return `${sentence(mark)} ${OPENING}${JSON.stringify(mark).replaceAll('[', '\\u005b')}]`;
}

/** Our mark in a database's comment; undefined where there is none. */
export function readMark(comment: string | null): DatabaseMark | undefined {
	const at = comment?.lastIndexOf(OPENING) ?? -1;
	if (comment === null || at < 0 || !comment.endsWith(']')) return undefined;
	try {
		const parsed = databaseMarkSchema.safeParse(JSON.parse(comment.slice(at + OPENING.length, -1)));
		return parsed.success ? parsed.data : undefined;
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}

function sentence(mark: DatabaseMark): string {
	const name = JSON.stringify(mark.database);
	switch (mark.role) {
		case 'scratch':
			return `Being filled from backup ${mark.backup} since ${mark.at}. If that run is dead, the next restore or drill drops this.`;
		case 'previous':
			return (
				`This was ${name} until ${mark.at}, when backup ${mark.backup} was restored in its place. It takes no connections. ` +
				`"Undo Swap" brings it back; "Drop Previous" deletes it; to look into it: ALTER DATABASE … ALLOW_CONNECTIONS true.`
			);
		case 'undone':
			return (
				`This came from backup ${mark.backup} and was ${name} until ${mark.at}, when the swap was undone. It takes no connections. ` +
				`"Drop Previous" deletes it.`
			);
		case 'fenced':
			return `${name} is closed to all clients since ${mark.at}, because a recovery is going on. "Fence: Lift" in Restore Backup, or backup-recovery unfence, opens it.`;
	}
}
