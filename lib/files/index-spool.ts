import { createReadStream, createWriteStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { once } from 'node:events';
import { decodeEntry, encodeEntry, INDEX_FORMAT, INDEX_VERSION, type IndexEntry, indexHeader, IndexRefusedError, type LeftOut } from './index-entry';

const BATCH = 64 * 1024;
const LONGEST_LINE = 64 * 1024;

/** Bytes kept packed in a file of the job's work folder, until they are stored or read. */
export class PackedWriter {
	private readonly input = new PassThrough({ highWaterMark: BATCH });
	private readonly done: Promise<void>;
	private failure: { readonly error: unknown } | undefined;
	private batch: string[] = [];
	private held = 0;

	constructor(readonly file: string, private readonly encoding: 'utf8' | 'latin1') {
		this.done = packInto(file, this.input);
		this.done.catch((error: unknown) => (this.failure = { error }));
	}

	async add(text: string): Promise<void> {
		this.batch.push(text);
		this.held += text.length;
		if (this.held >= BATCH) await this.flush();
	}

	async close(): Promise<void> {
		await this.flush();
		this.input.end();
		await this.done;
	}

	/** Ends it early; the file goes with the work folder. */
	abandon(): void {
		this.input.destroy();
	}

	private async flush(): Promise<void> {
		if (this.failure) throw this.failure.error;
		const bytes = Buffer.from(this.batch.join(''), this.encoding);
		this.batch = [];
		this.held = 0;
		if (bytes.length > 0 && !this.input.write(bytes)) await Promise.race([once(this.input, 'drain'), this.done]);
	}
}

/**
 * An index being written while the archive streams; it is stored afterwards, so that only one upload runs at a
 * time. A million entries have some 300 MB, a tenth of it packed.
 */
export class IndexWriter {
	private readonly writer: PackedWriter;

	constructor(file: string) {
		this.writer = new PackedWriter(file, 'utf8');
		void this.writer.add(`${indexHeader()}\n`);
	}

	async add(entry: IndexEntry | LeftOut): Promise<void> {
		await this.writer.add(`${encodeEntry(entry)}\n`);
	}

	async close(): Promise<void> {
		await this.writer.close();
	}

	abandon(): void {
		this.writer.abandon();
	}
}

/** Keeps the bytes of `source` packed in `file`. */
export async function packInto(file: string, source: AsyncIterable<Uint8Array>): Promise<void> {
	await pipeline(source, createGzip({ level: 1 }), createWriteStream(file, { mode: 0o600 }));
}

/** The bytes of a spooled index. */
export async function* unpack(file: string): AsyncGenerator<Buffer, void, void> {
	const gunzip = createGunzip({ chunkSize: BATCH });
	const input = createReadStream(file, { highWaterMark: BATCH });
	input.on('error', (error) => gunzip.destroy(error));
	input.pipe(gunzip);
	try {
		for await (const chunk of gunzip) yield chunk as Buffer;
	} finally {
		input.destroy();
		gunzip.destroy();
	}
}

/**
 * The entries of an index, one by one.
 * @throws IndexRefusedError when it is not an index of a version that is known, or a line cannot be read
 */
export async function* readEntries(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<IndexEntry | LeftOut, void, void> {
	let first = true;
	for await (const line of linesOf(bytes)) {
		if (first) {
			first = false;
			checkHeader(line);
		} else yield decodeEntry(line);
	}
	if (first) throw new IndexRefusedError('it is empty');
}

async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
	let rest: Buffer = Buffer.alloc(0);
	for await (const chunk of bytes) {
		const data = rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk]);
		let start = 0;
		for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a, start)) {
			yield data.toString('utf8', start, end);
			start = end + 1;
		}
		rest = Buffer.from(data.subarray(start));
		if (rest.length > LONGEST_LINE) throw new IndexRefusedError('it has a line that is too long');
	}
	if (rest.length > 0) throw new IndexRefusedError('it ends inside a line');
}

function checkHeader(line: string): void {
	let header: { format?: unknown; version?: unknown };
	try {
		header = JSON.parse(line) as typeof header;
	} catch (error) {
		throw new IndexRefusedError('it does not begin as an index', { cause: error });
	}
	if (header.format !== INDEX_FORMAT) throw new IndexRefusedError('it does not begin as an index');
	if (header.version !== INDEX_VERSION) throw new IndexRefusedError(`it is of version ${JSON.stringify(header.version)}, which this package does not know`);
}
