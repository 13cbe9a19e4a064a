import { Readable } from 'node:stream';
import { abortable } from '../../lib/core/abortable';
import { BackupError, throwIfAborted } from '../../lib/core/errors';
import { requireKey, requirePrefix } from '../../lib/storage/key';
import type { GetOptions, Protection, PutOptions, Store, StoredObject } from '../../lib/storage/store';
import { collect } from './bytes';

/** A store in memory whose clock and pace the test sets. Atomic like the real ones: a put or a listing happens in one moment. */
export class MemoryStore implements Store {
	readonly description: string = 'memory';
	readonly objects = new Map<string, { readonly content: Buffer; readonly modifiedAt: Date }>();
	/** The store's clock. */
	now: () => Date = () => new Date();
	/** Called before and after the moment in which each call takes effect, to shuffle those of several users. */
	delay: () => Promise<void> = async () => undefined;

	async put(key: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<number> {
		requireKey(key);
		throwIfAborted(options.signal);
		const content = await collect(abortable(source, options.signal));
		await this.delay();
		this.objects.set(key, { content, modifiedAt: this.now() });
		await this.delay();
		return content.length;
	}

	async get(key: string, options: GetOptions): Promise<Readable> {
		requireKey(key);
		throwIfAborted(options.signal);
		await this.delay();
		const found = this.objects.get(key);
		if (!found) throw new BackupError('OBJECT_NOT_FOUND', `${key} is not in the store.`, 'It was never written.');
		return Readable.from([found.content.subarray(options.start ?? 0, options.end === undefined ? undefined : options.end + 1)]);
	}

	async stat(key: string): Promise<StoredObject | undefined> {
		requireKey(key);
		await this.delay();
		const found = this.objects.get(key);
		return found && { key, bytes: found.content.length, modifiedAt: found.modifiedAt };
	}

	async *list(prefix: string): AsyncGenerator<StoredObject, void, void> {
		requirePrefix(prefix);
		await this.delay();
		const found = [...this.objects].filter(([key]) => key.startsWith(prefix));
		await this.delay();
		for (const [key, { content, modifiedAt }] of found) yield { key, bytes: content.length, modifiedAt };
	}

	async listFolders(prefix: string): Promise<string[]> {
		requirePrefix(prefix);
		await this.delay();
		const names = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length).split('/'));
		return [...new Set(names.flatMap(([folder, ...rest]) => (folder !== undefined && rest.length > 0 ? [folder] : [])))];
	}

	async remove(key: string): Promise<void> {
		requireKey(key);
		await this.delay();
		this.objects.delete(key);
		await this.delay();
	}

	/** What the test says protects the objects. */
	protections = new Map<string, Protection>();

	async protection(key: string): Promise<Protection | undefined> {
		requireKey(key);
		return this.protections.get(key);
	}

	async freeBytes(): Promise<undefined> {
		return undefined;
	}

	async check(): Promise<void> {}

	async *listUnfinished(): AsyncGenerator<StoredObject, void, void> {}

	async removeUnfinished(): Promise<StoredObject[]> {
		return [];
	}

	/** The keys below `prefix`, sorted. */
	keys(prefix = ''): string[] {
		return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
	}
}
