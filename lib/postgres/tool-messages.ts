/** A message of a PostgreSQL tool on stderr, with its `detail:` and `hint:` lines. */
export interface ToolMessage {
	readonly level: 'error' | 'warning' | 'info';
	readonly text: string;
}

const LINE = /^(pg_\w+): (?:(error|fatal|warning|detail|hint|info): )?(.*)$/;

/**
 * Joins the lines that pg_dump and pg_dumpall (in the C locale) write to stderr into messages. Lines without the tool's name
 * belong to the message before them.
 */
export class ToolMessages {
	readonly messages: ToolMessage[] = [];

	push(line: string): void {
		if (line.trim() === '') return;
		const match = LINE.exec(line);
		const level = match?.[2];
		if (!match || level === 'detail' || level === 'hint') {
			this.append(match?.[3] ?? line);
			return;
		}
		this.messages.push({ level: level === 'error' || level === 'fatal' ? 'error' : level === 'warning' ? 'warning' : 'info', text: match[3] ?? '' });
	}

	private append(text: string): void {
		const last = this.messages.pop();
		this.messages.push(last ? { ...last, text: `${last.text} ${text.trim()}` } : { level: 'warning', text: text.trim() });
	}
}
