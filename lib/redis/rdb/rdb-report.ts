/** What one database of an RDB holds. */
export interface DatabaseCount {
	readonly index: number;
	readonly keys: number;
	/** Those with a time to live. */
	readonly expiring: number;
	/** Those whose time ends before the moment that the walk was asked about; not there where it was asked about none. */
	readonly expired?: number;
}

/** What a walk through a whole RDB found. */
export interface RdbReport {
	/** The number in the header. */
	readonly version: number;
	readonly flavor: 'redis' | 'valkey';
	readonly bytes: number;
	/** false: the file carries no checksum (`rdbchecksum no`, or a version before 5), so only its structure could be checked. */
	readonly checksummed: boolean;
	/** Databases that hold keys, by index. */
	readonly databases: readonly DatabaseCount[];
	/** Keys per kind of value ("string", "hash", …). */
	readonly types: Readonly<Record<string, number>>;
	readonly functionLibraries: number;
	/** Names of the modules whose data it holds. */
	readonly modules: readonly string[];
	/** `redis-ver`, `ctime`, `used-mem`, … */
	readonly aux: Readonly<Record<string, string>>;
	/** The serialized bytes of the largest value. */
	readonly largestValue: number;
	/** The serialized bytes of every value above `LARGE_VALUE`, by the position of its key in the file, from 0. */
	readonly largeValues: ReadonlyMap<number, number>;
}

/** Values above this are never held in memory as a whole: a second reader is told their length beforehand. */
export const LARGE_VALUE = 1024 * 1024;

export function totalKeys(databases: readonly Pick<DatabaseCount, 'keys'>[]): number {
	return databases.reduce((sum, { keys }) => sum + keys, 0);
}
