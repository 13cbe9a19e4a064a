import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { WalRecord } from '../../catalog/wal-manifest';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import type { Store } from '../../storage/store';
import { formatLsn, parseLsn } from '../replication/lsn';
import { segmentStart } from '../replication/wal-segment';
import { readWal } from '../wal/wal-archive';

/**
 * Puts archived WAL into a folder, under the names that a server's restore_command asks for. Pieces of one segment become one file of full
 * size, with zeros where nothing is archived, which is where PostgreSQL stops reading.
 * @param records in the order of the log
 * @param watch sees the bytes of the log, in order
 * @returns how many files
 * @throws BackupError `WAL_DAMAGED` (which says nothing against the base backup), `KEY_*`, `NO_SPACE`, or the store's error
 */
export async function layOutWal(store: Store, records: readonly WalRecord[], folder: string, context: Pick<JobContext, 'signal' | 'keys' | 'progress'>, watch: (bytes: Uint8Array) => void = () => undefined): Promise<number> {
	await mkdir(folder, { mode: 0o700 });
	const written = new Set<string>();
	for (const [at, record] of records.entries()) {
		throwIfAborted(context.signal);
		context.progress({ step: 'Fetching WAL', done: at, total: records.length, unit: 'files' });
		await writeRecord(store, record, folder, written.has(record.file), context, watch);
		written.add(record.file);
	}
	return written.size;
}

async function writeRecord(store: Store, record: WalRecord, folder: string, begun: boolean, { signal, keys }: Pick<JobContext, 'signal' | 'keys'>, watch: (bytes: Uint8Array) => void): Promise<void> {
	const { file, segmentBytes, content } = record;
	const start = parseLsn(record.startLsn);
	const offset = content === 'piece' ? Number(start - segmentStart(start, segmentBytes)) : 0;
	const handle = await open(join(folder, file), begun ? 'r+' : 'w', 0o600);
	try {
		let position = offset;
		for await (const chunk of readWal(store, record, { keys, signal })) {
			if (content !== 'history' && position + chunk.length > segmentBytes) throw tooLong(record);
			if (content !== 'history') watch(chunk);
			await handle.write(chunk, 0, chunk.length, position);
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

function tooLong({ file, startLsn, segmentBytes }: WalRecord): BackupError {
	return new BackupError('WAL_DAMAGED', `${file} of the WAL archive (from ${formatLsn(parseLsn(startLsn))}) is not a segment of ${segmentBytes} bytes.`, 'Bring it back from another copy of the store, or recover to a time before it.');
}
