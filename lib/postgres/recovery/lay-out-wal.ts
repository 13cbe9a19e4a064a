import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { WalRecord } from '../../catalog/wal-manifest';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import type { Store } from '../../storage/store';
import { formatLsn, parseLsn } from '../replication/lsn';
import { segmentStart } from '../replication/wal-segment';
import { EachByteOnce, visitWal } from '../wal/visit-wal';
import { readWal } from '../wal/wal-archive';

export interface LaidOutWal {
	/** With pieces of one segment as one. */
	readonly files: number;
	/** What the files were made from, in the order of the log. */
	readonly records: readonly WalRecord[];
}

/**
 * Puts archived WAL into a folder, under the names that a server's restore_command asks for. Pieces of one segment become one file of full
 * size, with zeros where nothing is archived, which is where PostgreSQL stops reading.
 * @param records in the order of the log; pieces may overlap
 * @param watch sees the bytes of the log, in order and each once
 * @param relist the records of the same stretch as it is archived now, see `visitWal`
 * @throws BackupError `WAL_DAMAGED` (which says nothing against the base backup), `KEY_*`, `NO_SPACE`, or the store's error
 */
export async function layOutWal(
	store: Store,
	records: readonly WalRecord[],
	folder: string,
	context: Pick<JobContext, 'signal' | 'keys' | 'progress'>,
	watch: (bytes: Uint8Array) => void = () => undefined,
	relist: () => Promise<readonly WalRecord[]> = async () => await Promise.resolve(records),
): Promise<LaidOutWal> {
	await mkdir(folder, { mode: 0o700 });
	const written = new Set<string>();
	const watched = new EachByteOnce(watch);
	const visited = await visitWal(store, records, relist, async (record) => {
		throwIfAborted(context.signal);
		context.progress({ step: 'Fetching WAL', done: written.size, total: Math.max(records.length, written.size), unit: 'files' });
		const begun = written.has(record.file);
		written.add(record.file);
		await writeRecord(store, record, folder, begun, context, watched);
	});
	return { files: written.size, records: visited };
}

async function writeRecord(store: Store, record: WalRecord, folder: string, begun: boolean, { signal, keys }: Pick<JobContext, 'signal' | 'keys'>, watched: EachByteOnce): Promise<void> {
	const { file, segmentBytes, content } = record;
	const start = parseLsn(record.startLsn);
	const offset = content === 'piece' ? Number(start - segmentStart(start, segmentBytes)) : 0;
	const handle = await open(join(folder, file), begun ? 'r+' : 'w', 0o600);
	try {
		let position = offset;
		for await (const chunk of readWal(store, record, { keys, signal })) {
			if (content !== 'history' && position + chunk.length > segmentBytes) throw tooLong(record);
			if (content !== 'history') watched.push(chunk, start + BigInt(position - offset));
			await writeFully(handle, chunk, position);
			position += chunk.length;
		}
		if (content === 'segment' && position !== segmentBytes) throw tooLong(record);
		if (content === 'piece') await handle.truncate(segmentBytes);
	} catch (error) {
		if (error instanceof BackupError && error.code === 'ARTIFACT_DAMAGED') throw new BackupError('WAL_DAMAGED', error.message, error.hint, { cause: error });
		if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
		throw new BackupError('NO_SPACE', 'The disk of the recovery folder is full.', 'Choose a folder with more room.', { cause: error });
	} finally {
		await handle.close();
	}
}

/** A write to a nearly full disk may take fewer bytes than it was given, and says why only when it is asked for the rest. */
export async function writeFully(handle: Pick<FileHandle, 'write'>, bytes: Uint8Array, position: number): Promise<void> {
	for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

function tooLong({ file, startLsn, segmentBytes }: WalRecord): BackupError {
	return new BackupError('WAL_DAMAGED', `${file} of the WAL archive (from ${formatLsn(parseLsn(startLsn))}) is not a segment of ${segmentBytes} bytes.`, 'Bring it back from another copy of the store, or recover to a time before it.');
}
