/**
 * How a value is laid out in an RDB, as far as one must know to find its end (`rdb.c` of Redis: `rdbSaveObject`). Values are delimited, never decoded.
 * `string`: a string of any encoding. `length`: a number in the length encoding. `skip`: that many bytes. `score`: a double as text, one length byte first.
 * `repeat`: a length, then that many times its parts. `moduleName` and `moduleParts`: the name and the tagged values of a module.
 */
export type Part =
	| { readonly what: 'string' | 'length' | 'score' | 'moduleName' | 'moduleParts' }
	| { readonly what: 'skip'; readonly bytes: number }
	| { readonly what: 'repeat'; readonly parts: readonly Part[] };

const string: Part = { what: 'string' };
const length: Part = { what: 'length' };
const skip = (bytes: number): Part => ({ what: 'skip', bytes });
const repeat = (...parts: Part[]): Part => ({ what: 'repeat', parts });

export const STRING_PART = string;
export const MODULE_PARTS: readonly Part[] = [{ what: 'moduleName' }, { what: 'moduleParts' }];
/** `when` is a tagged number, as the module's own values are. */
export const MODULE_AUX_PARTS: readonly Part[] = [{ what: 'moduleName' }, length, length, { what: 'moduleParts' }];

/** Entries, their number, last id, [first id, largest deleted id, entries added,] and the consumer groups with their pending entries. */
function stream(revision: 1 | 2 | 3): readonly Part[] {
	const counters = revision >= 2 ? [length, length, length, length, length] : [];
	const entriesRead = revision >= 2 ? [length] : [];
	const seen = revision >= 3 ? skip(16) : skip(8);
	const consumer = repeat(string, seen, repeat(skip(16)));
	const group = repeat(string, length, length, ...entriesRead, repeat(skip(24), length), consumer);
	return [repeat(string, string), length, length, length, ...counters, group];
}

export interface ValueType {
	readonly name: string;
	readonly parts: readonly Part[];
}

const COMMON: ReadonlyMap<number, ValueType> = new Map<number, ValueType>([
	[0, { name: 'string', parts: [string] }],
	[1, { name: 'list', parts: [repeat(string)] }],
	[2, { name: 'set', parts: [repeat(string)] }],
	[3, { name: 'sorted set', parts: [repeat(string, { what: 'score' })] }],
	[4, { name: 'hash', parts: [repeat(string, string)] }],
	[5, { name: 'sorted set', parts: [repeat(string, skip(8))] }],
	[7, { name: 'module', parts: MODULE_PARTS }],
	[9, { name: 'hash', parts: [string] }],
	[10, { name: 'list', parts: [string] }],
	[11, { name: 'set', parts: [string] }],
	[12, { name: 'sorted set', parts: [string] }],
	[13, { name: 'hash', parts: [string] }],
	[14, { name: 'list', parts: [repeat(string)] }],
	[15, { name: 'stream', parts: stream(1) }],
	[16, { name: 'hash', parts: [string] }],
	[17, { name: 'sorted set', parts: [string] }],
	[18, { name: 'list', parts: [repeat(length, string)] }],
	[19, { name: 'stream', parts: stream(2) }],
	[20, { name: 'set', parts: [string] }],
	[21, { name: 'stream', parts: stream(3) }],
]);

/** Hashes whose fields expire: Redis 7.4 and newer. */
const REDIS_ONLY: ReadonlyMap<number, ValueType> = new Map<number, ValueType>([
	[24, { name: 'hash', parts: [skip(8), repeat(length, string, string)] }],
	[25, { name: 'hash', parts: [skip(8), string] }],
]);

/** The same of Valkey 9, which took another number and layout. */
const VALKEY_ONLY: ReadonlyMap<number, ValueType> = new Map<number, ValueType>([[22, { name: 'hash', parts: [repeat(string, string, skip(8))] }]]);

export const MODULE_TYPE = 7;

/** From this version on the two families number what they add differently (Valkey's `RDB_VERSION`). */
export const FIRST_VALKEY_VERSION = 80;

/** The layout of a type of value, or undefined where this version does not know it. */
export function valueType(type: number, rdbVersion: number): ValueType | undefined {
	return COMMON.get(type) ?? (rdbVersion >= FIRST_VALKEY_VERSION ? VALKEY_ONLY : REDIS_ONLY).get(type);
}

/** Types that are known by name and not readable: the reason is better than a number. */
export function whyUnreadable(type: number, rdbVersion: number): string {
	if (type === 6) return 'it holds a value of a module in the format before Redis 4.0, whose length cannot be told without that module';
	if (rdbVersion < FIRST_VALKEY_VERSION && (type === 22 || type === 23)) {
		return 'it holds a hash in the format of a release candidate of Redis 7.4, which no released version writes';
	}
	return `it holds a value of type ${type}, which this version of the package does not know (RDB version ${rdbVersion})`;
}
