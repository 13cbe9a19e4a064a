import type { RedisSocket } from './redis-socket';

/** `$EOF:` is followed by 40 random characters (`CONFIG_RUN_ID_SIZE`). */
const MARK_BYTES = 40;

/** The bytes of a payload whose length was told beforehand. */
export async function* sizedPayload(socket: Pick<RedisSocket, 'bytes'>, length: number): AsyncGenerator<Buffer, void, void> {
	let left = length;
	while (left > 0) {
		const chunk = await socket.bytes();
		const part = chunk.subarray(0, left);
		left -= part.length;
		yield part;
	}
}

/** The bytes of a payload that ends with a mark. The mark may be cut by the end of a chunk anywhere. */
export async function* markedPayload(socket: Pick<RedisSocket, 'bytes'>, mark: Buffer): AsyncGenerator<Buffer, void, void> {
	let tail: Buffer = Buffer.alloc(0);
	for (;;) {
		const chunk = await socket.bytes();
		// Only the border needs both; the chunk itself is searched where it lies.
		const border = Buffer.concat([tail, chunk.subarray(0, mark.length)]);
		const atBorder = border.indexOf(mark);
		if (atBorder >= 0) {
			if (atBorder > 0) yield border.subarray(0, atBorder);
			return;
		}
		const inChunk = chunk.indexOf(mark);
		if (inChunk >= 0) {
			if (tail.length > 0) yield tail;
			yield chunk.subarray(0, inChunk);
			return;
		}
		if (chunk.length >= mark.length) {
			if (tail.length > 0) yield tail;
			const cut = chunk.length - mark.length;
			if (cut > 0) yield chunk.subarray(0, cut);
			tail = Buffer.from(chunk.subarray(cut));
		} else {
			const both = Buffer.concat([tail, chunk]);
			const cut = Math.max(0, both.length - mark.length);
			if (cut > 0) yield both.subarray(0, cut);
			tail = both.subarray(cut);
		}
	}
}

/** The mark of `$EOF:<mark>`, or undefined where the header is another one. */
export function endMark(header: string): Buffer | undefined {
	if (!header.startsWith('$EOF:') || header.length !== '$EOF:'.length + MARK_BYTES) return undefined;
	return Buffer.from(header.slice('$EOF:'.length), 'latin1');
}
