import { StringDecoder } from 'node:string_decoder';

/** Longest line that is kept whole: a tool that never ends its line must not fill the memory. */
const LONGEST_LINE = 64 * 1024;

/** Cuts a byte stream (UTF-8) into lines without their ends; `end` hands out what came after the last one. */
export class LineSplitter {
	private readonly decoder = new StringDecoder('utf8');
	private rest = '';

	constructor(private readonly onLine: (line: string) => void) {}

	push(chunk: Buffer): void {
		this.take(this.decoder.write(chunk));
	}

	end(): void {
		this.take(this.decoder.end());
		if (this.rest !== '') this.onLine(this.rest);
		this.rest = '';
	}

	private take(text: string): void {
		const lines = (this.rest + text).split('\n');
		this.rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
		for (const line of lines) this.onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
	}
}
