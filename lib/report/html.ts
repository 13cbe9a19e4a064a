/** Text that is HTML already. Whatever else is put into `html` is escaped. */
export class Html {
	constructor(readonly text: string) {}

	toString(): string {
		return this.text;
	}
}

type Part = Html | string | number | null | readonly Html[];

/** Builds HTML; what is put in is text unless it is `Html` itself, so no name or message can ever become markup. null: nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
	return new Html(strings.map((string, at) => string + rendered(parts[at] ?? null)).join(''));
}

function rendered(part: Part): string {
	if (part === null) return '';
	if (part instanceof Html) return part.text;
	if (typeof part === 'object') return part.map(({ text }) => text).join('');
	return escapeHtml(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For text and for attribute values in quotes. Control characters, which HTML does not allow, become visible. */
export function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '').replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\u00b7');
}
