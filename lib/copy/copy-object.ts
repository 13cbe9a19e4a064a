import { BackupError } from '../core/errors';
import { ByteMeter } from '../pipeline/byte-meter';
import type { Store } from '../storage/store';

/** An object to be brought from one store to another, and what its bytes must be. */
export interface ObjectCopy {
	readonly source: Store;
	readonly target: Store;
	/** The same in both stores. */
	readonly key: string;
	readonly bytes: number;
	/** Lower-case hex. */
	readonly sha256: string;
	readonly signal: AbortSignal;
	/** Told with the bytes that went through so far, first while writing, then while reading back. */
	readonly onBytes: (doing: 'Copying' | 'Reading back', total: number) => void;
}

/**
 * Streams an object as it is stored, and believes only what the target gives back: its bytes are read again and their digest is
 * compared. One that is there already, byte for byte, is left alone; that is how a copy goes on where it stopped.
 * @returns whether its bytes had to be copied
 * @throws BackupError `ARTIFACT_DAMAGED` saying which of the two stores has wrong bytes; the stores' errors
 */
export async function copyObject(copy: ObjectCopy): Promise<'copied' | 'reused'> {
	const { target, key, signal } = copy;
	if (await isIntact(copy)) return 'reused';
	await target.put(key, checkedSource(copy), {
		signal,
		expectedBytes: copy.bytes,
		// Which files hold secrets is not in a manifest, so no copy may be read by more than its owner.
		secret: true,
		immutable: true,
		onBytes: (total) => copy.onBytes('Copying', total),
	});
	if (await isIntact(copy)) return 'copied';
	await target.remove(key);
	throw new BackupError(
		'ARTIFACT_DAMAGED',
		`The target store (${target.description}) gave back other bytes of ${key} than were written to it.`,
		'Check the disk or bucket of the target before you keep backups there. The copy was not published; the backup in the source store is untouched.',
	);
}

/** Whether the target gives back exactly the expected bytes. */
export async function isIntact({ target, key, bytes, sha256, signal, onBytes }: Omit<ObjectCopy, 'source'>): Promise<boolean> {
	const found = await target.stat(key);
	if (found?.bytes !== bytes) return false;
	const meter = new ByteMeter((total) => onBytes('Reading back', total));
	for await (const chunk of meter.measure((await target.get(key, { signal })) as AsyncIterable<Buffer>)) void chunk;
	return meter.bytes === bytes && meter.sha256() === sha256;
}

/**
 * The source's bytes, opened when the first is asked for, so that nothing stays open where the target takes none. Fails at their
 * end when they are not the recorded ones: then the target keeps nothing of them.
 */
async function* checkedSource({ source, key, bytes, sha256, signal }: ObjectCopy): AsyncGenerator<Buffer, void, void> {
	const meter = new ByteMeter();
	yield* meter.measure((await source.get(key, { signal })) as AsyncIterable<Buffer>);
	if (meter.bytes === bytes && meter.sha256() === sha256) return;
	throw new BackupError(
		'ARTIFACT_DAMAGED',
		`${key} in the source store (${source.description}) is damaged: its bytes are not those in the manifest.`,
		'Do not use this backup. Copy another one, or restore this one from another copy of it; check the disk or bucket that holds the store.',
	);
}
