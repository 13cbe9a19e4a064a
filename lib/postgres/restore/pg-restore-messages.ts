/** What one message of `pg_restore` on stderr means. */
export interface PgRestoreMessage {
	readonly kind: 'warning' | 'error' | 'harmless' | 'unknown';
	/** The message with its continuation lines (DETAIL, HINT, `Command was: …`). */
	readonly text: string;
	/** The entry of the archive that it is about, where `pg_restore` says so. */
	readonly entry?: string;
}

const PREFIX = 'pg_restore: ';
const MOST_CONTINUATION_LINES = 12;

/**
 * `pg_restore` of a newer major begins with settings that an older server does not know. The setting would only lift a limit
 * that such a server does not have.
 */
const HARMLESS = [/^error: could not execute query: [^\n]*unrecognized configuration parameter "transaction_timeout"\nCommand was: SET transaction_timeout = 0;/];

/**
 * Sorts what `pg_restore --verbose` (in the C locale) writes to stderr. Feed it every line, then call `end`.
 * A message begins with `pg_restore: `; lines without it continue the one before.
 */
export class PgRestoreMessages {
	readonly messages: PgRestoreMessage[] = [];
	/** From `warning: errors ignored on restore: N`. */
	ignoredErrors = 0;
	private open: { kind: 'progress' | 'warning' | 'error'; lines: string[]; entry?: string } | undefined;
	private entry: string | undefined;

	constructor(private readonly onProgress: (text: string) => void = () => undefined) {}

	push(line: string): void {
		if (!line.startsWith(PREFIX)) {
			this.continueWith(line);
			return;
		}
		this.close();
		const text = line.slice(PREFIX.length);
		const ignored = /^warning: errors ignored on restore: (\d+)$/.exec(text);
		if (ignored) {
			this.ignoredErrors = Number(ignored[1]);
		} else if (text.startsWith('error: ') || text.startsWith('fatal: ')) {
			this.open = { kind: 'error', lines: [text], entry: this.entry };
		} else if (text.startsWith('warning: ')) {
			this.open = { kind: 'warning', lines: [text], entry: this.entry };
		} else if (text.startsWith('from TOC entry ')) {
			this.entry = text.slice('from TOC entry '.length);
			this.open = { kind: 'progress', lines: [] };
		} else if (text.startsWith('while ')) {
			this.entry = undefined;
			this.open = { kind: 'progress', lines: [] };
		} else if (text.startsWith('detail: ') || text.startsWith('hint: ')) {
			const last = this.messages.pop();
			if (last) this.messages.push({ ...last, text: `${last.text}\n${text}` });
		} else {
			this.onProgress(text);
			// A name may hold newlines: what follows is still this line.
			this.open = { kind: 'progress', lines: [] };
		}
	}

	end(): void {
		this.close();
	}

	of(...kinds: ReadonlyArray<PgRestoreMessage['kind']>): PgRestoreMessage[] {
		return this.messages.filter((message) => kinds.includes(message.kind));
	}

	private continueWith(line: string): void {
		if (this.open) {
			if (this.open.kind !== 'progress' && this.open.lines.length < MOST_CONTINUATION_LINES) this.open.lines.push(line);
		} else if (line.trim() !== '') {
			this.messages.push({ kind: 'unknown', text: line });
		}
	}

	private close(): void {
		if (!this.open || this.open.kind === 'progress') {
			this.open = undefined;
			return;
		}
		const text = this.open.lines.join('\n').trimEnd();
		const kind = HARMLESS.some((pattern) => pattern.test(text)) ? 'harmless' : this.open.kind;
		this.messages.push({ kind, text, entry: this.open.entry });
		this.open = undefined;
	}
}
