/** A source of the given chunks. */
export async function* chunks(...parts: (Uint8Array | string)[]): AsyncGenerator<Uint8Array, void, void> {
	for (const part of parts) yield Buffer.from(part);
}

/** Everything a source yields. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	for await (const part of source) parts.push(part);
	return Buffer.concat(parts);
}

/** All items of an async iterable. */
export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
	const items: T[] = [];
	for await (const item of source) items.push(item);
	return items;
}

/** The error with which `work` rejects; fails when it does not. */
export async function rejection(work: Promise<unknown>): Promise<Error & { code?: string; hint?: string }> {
	try {
		await work;
	} catch (error) {
		return error as Error;
	}
	throw new Error('This should have been rejected.');
}
