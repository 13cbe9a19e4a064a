import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../../core/errors';

/** What a data directory's control file says of its server. */
export interface ControlFile {
	readonly systemIdentifier: string;
	readonly segmentBytes: number;
	/** The settings that the server had, of which recovery may need no fewer. */
	readonly maxConnections: number;
	readonly maxWorkerProcesses: number;
	readonly maxWalSenders: number;
	readonly maxPreparedTransactions: number;
	readonly maxLocksPerTransaction: number;
}

/** `ControlFileData` of src/include/catalog/pg_control.h, the same from PostgreSQL 13 to 18 as far as this goes. */
const AT = { systemIdentifier: 0, version: 8, maxConnections: 180, maxWorkers: 184, maxWalSenders: 188, maxPrepared: 192, maxLocks: 196, floatFormat: 208, segmentBytes: 228 };
const VERSIONS = [1300, 1700, 1800];
const FLOAT_FORMAT = 1_234_567;

/**
 * Reads `global/pg_control`.
 * @throws BackupError `SERVER_VERSION` where it is not one that this machine's PostgreSQL could read either
 */
export async function readControlFile(dataFolder: string): Promise<ControlFile> {
	const bytes = await readFile(join(dataFolder, 'global', 'pg_control'));
	if (bytes.length < AT.segmentBytes + 4 || !VERSIONS.includes(bytes.readUInt32LE(AT.version)) || bytes.readDoubleLE(AT.floatFormat) !== FLOAT_FORMAT) {
		throw new BackupError(
			'SERVER_VERSION',
			'The control file of the base backup is none of PostgreSQL 13 to 18 on a machine of this kind.',
			'A base backup starts only on the processor architecture and the major version on which it was taken.',
		);
	}
	return {
		systemIdentifier: String(bytes.readBigUInt64LE(AT.systemIdentifier)),
		segmentBytes: bytes.readUInt32LE(AT.segmentBytes),
		maxConnections: bytes.readInt32LE(AT.maxConnections),
		maxWorkerProcesses: bytes.readInt32LE(AT.maxWorkers),
		maxWalSenders: bytes.readInt32LE(AT.maxWalSenders),
		maxPreparedTransactions: bytes.readInt32LE(AT.maxPrepared),
		maxLocksPerTransaction: bytes.readInt32LE(AT.maxLocks),
	};
}
