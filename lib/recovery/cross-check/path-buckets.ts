import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Of ten million paths each holds about 160,000: few enough to compare in memory. */
const BUCKETS = 64;
/** Characters that a bucket gathers before it writes them. */
const WRITE_AT = 32 * 1024;

/**
 * A set of paths too large for memory, on disk: which of the numbered files a path is in follows from the path alone, so two sets
 * can be compared one pair of files at a time, whatever order they came in. Use it in a folder of its own that is removed later.
 */
export class PathBuckets {
	static readonly count = BUCKETS;
	private readonly waiting: string[] = new Array<string>(BUCKETS).fill('');
	private readonly files: (FileHandle | undefined)[] = new Array<FileHandle | undefined>(BUCKETS).fill(undefined);

	private constructor(private readonly folder: string) {}

	/** @param folder does not exist yet */
	static async create(folder: string): Promise<PathBuckets> {
		await mkdir(folder, { mode: 0o700 });
		return new PathBuckets(folder);
	}

	async add(path: string): Promise<void> {
		const bucket = bucketOf(path);
		const text = `${this.waiting[bucket] ?? ''}${asLine(path)}\n`;
		this.waiting[bucket] = text;
		if (text.length >= WRITE_AT) await this.flush(bucket);
	}

	/** Writes what is still in memory; call it once, before `read`, also after a failure. */
	async close(): Promise<void> {
		for (let bucket = 0; bucket < BUCKETS; bucket++) {
			await this.flush(bucket);
			await this.files[bucket]?.close();
			this.files[bucket] = undefined;
		}
	}

	/** The paths of one bucket, each as often as it was added. */
	async *read(bucket: number): AsyncGenerator<string, void, void> {
		const input = createReadStream(this.file(bucket), { encoding: 'utf8', flags: 'a+' });
		for await (const line of createInterface({ input, crlfDelay: Infinity })) yield JSON.parse(line) as string;
	}

	private async flush(bucket: number): Promise<void> {
		const text = this.waiting[bucket] ?? '';
		if (text === '') return;
		this.waiting[bucket] = '';
		const file = (this.files[bucket] ??= await open(this.file(bucket), 'a', 0o600));
		await file.write(text);
	}

	private file(bucket: number): string {
		return join(this.folder, `${bucket}.jsonl`);
	}
}

/** As JSON, because a file name may hold a line break; two of those that readers of lines know are none to JSON. */
function asLine(path: string): string {
	return JSON.stringify(path).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/#FNV-1a */
function bucketOf(path: string): number {
	let hash = 0x811c9dc5;
	for (let at = 0; at < path.length; at++) hash = Math.imul(hash ^ path.charCodeAt(at), 0x01000193);
	return (hash >>> 8) % BUCKETS;
}
