import { BackupError } from '../core/errors';

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
	private tool = 'The tool';

	push(line: string): void {
		if (line.trim() === '') return;
		const match = LINE.exec(line);
		const level = match?.[2];
		if (!match || level === 'detail' || level === 'hint') {
			this.append(match?.[3] ?? line);
			return;
		}
		this.tool = match[1] ?? this.tool;
		this.messages.push({
			level: level === 'error' || level === 'fatal' ? 'error' : level === 'warning' ? 'warning' : 'info',
			text: match[3] ?? '',
		});
	}

	/** Passes `source` on, and ends with an error where the tool reported one, though it may have exited with 0. */
	async *failOnError(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
		yield* source;
		this.refuseErrors();
	}

	/** @throws BackupError `TOOL_FAILED` where the tool reported an error */
	refuseErrors(): void {
		const errors = this.messages.filter((message) => message.level === 'error');
		if (errors.length === 0) return;
		const texts = errors.map((message) => message.text).join('\n');
		throw new BackupError('TOOL_FAILED', `${this.tool} reported: ${texts}`, 'Remove the cause, then run the job again.');
	}

	private append(text: string): void {
		const last = this.messages.pop();
		this.messages.push(last ? { ...last, text: `${last.text} ${text.trim()}` } : { level: 'warning', text: text.trim() });
	}
}
