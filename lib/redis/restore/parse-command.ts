/** A command as a replica sends it: an array of bulk strings, or one line. */
export interface ParsedCommand {
	readonly args: readonly string[];
	/** How many bytes it took. */
	readonly bytes: number;
}

/** The first command in `received`, or undefined while it is incomplete. https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export function parseCommand(received: Buffer): ParsedCommand | undefined {
	// A replica sends bare newlines while it loads, so that its master knows that it lives (`replicationSendNewlineToMaster`).
	if (received[0] === 0x0a) return { args: [], bytes: 1 };
	const lineEnd = received.indexOf('\r\n');
	if (lineEnd < 0) return undefined;
	const line = received.toString('latin1', 0, lineEnd);
	if (!line.startsWith('*')) return { args: line.split(' ').filter((word) => word !== ''), bytes: lineEnd + 2 };
	const args: string[] = [];
	let at = lineEnd + 2;
	for (let left = Number(line.slice(1)); left > 0; left--) {
		const end = received.indexOf('\r\n', at);
		if (end < 0) return undefined;
		const length = Number(received.toString('latin1', at + 1, end));
		const from = end + 2;
		if (!Number.isInteger(length) || length < 0 || received.length < from + length + 2) return undefined;
		args.push(received.toString('latin1', from, from + length));
		at = from + length + 2;
	}
	return { args, bytes: at };
}
