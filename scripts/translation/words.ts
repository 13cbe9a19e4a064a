/** Texts that look like language and are none: formats, values that lib compares, SQL, headers. They are left as they are. */
export const NOT_LANGUAGE: ReadonlySet<string> = new Set([
	// Of dates and times.
	'Z', 'T', 'ZZ', 'UTC', ' ',
	// What lib says, in which the workflows look for something.
	'There is no backup', 'CRITICAL',
	// What Backup: Notify says of a channel; other workflows ask for it.
	'failed: {1}',
	// Values of Backup: Settings and of parameters.
	'["public.logs", "public.user_sessions"]', 'postgres, files', '1, 4, 24',
	'text/html; charset=utf-8', 'text/plain; charset=utf-8',
]);

/** What a workflow holds for people, as it is written in English: a name of a node, or a text. */
export interface Words {
	/** The name of a node, wherever it stands. */
	name(english: string): string;
	/** @param required whether it is surely language; otherwise it is translated only where the catalogue has it */
	text(english: string, required: boolean): string;
}

/**
 * Whether a literal is surely a text for people: it has letters and a space, markup around letters, or begins with a capital.
 * Places for values stand in it as `{1}`.
 */
export function isLanguage(text: string): boolean {
	if (NOT_LANGUAGE.has(text)) return false;
	const bare = text.replace(/\{\d+\}/g, '').replace(/&\w+;/g, '');
	const words = bare.replace(/<[^>]*>/g, '');
	if (!/\p{L}/u.test(words)) return false;
	return /\s/.test(words) || words !== bare || /^\P{L}*\p{Lu}/u.test(words);
}
