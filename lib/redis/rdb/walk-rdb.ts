import { ByteCursor } from './byte-cursor';
import { Crc64 } from './crc64';
import { RdbError } from './rdb-error';
import { type DatabaseCount, LARGE_VALUE, type RdbReport } from './rdb-report';
import { FIRST_VALKEY_VERSION, MODULE_AUX_PARTS, MODULE_TYPE, STRING_PART, valueType, whyUnreadable } from './value-layout';
import { ValueWalker } from './walk-value';

/** A key with what goes before its value. */
export interface RdbKey {
	/** Its position in the file, from 0. */
	readonly ordinal: number;
	readonly database: number;
	readonly key: Buffer;
	/** The type byte of the value. */
	readonly type: number;
	/** When it expires, in milliseconds since 1970; undefined: never. */
	readonly expiresAt: number | undefined;
	/** Seconds since it was last used, and how often it is used: only where the server evicts by them. */
	readonly idleSeconds: number | undefined;
	readonly frequency: number | undefined;
}

/** Who wants the contents, and not only to know that they are sound. Buffers are valid during the call only. */
export interface RdbReader {
	beginKey(key: RdbKey): void;
	/** The next bytes of the value as they stand in the file, without the type byte. */
	value(bytes: Buffer): void;
	endKey(): void;
	/** The source code of a library of functions. */
	library(code: Buffer): void;
}

/** Opcodes: https://rdb.fnordig.de/file_format.html#op-codes and `rdb.h` of Redis and Valkey. */
const OPCODE = {
	slotInfo: 0xf4,
	function2: 0xf5,
	functionPreRelease: 0xf6,
	moduleAux: 0xf7,
	idle: 0xf8,
	frequency: 0xf9,
	aux: 0xfa,
	resizeDatabase: 0xfb,
	expireMilliseconds: 0xfc,
	expireSeconds: 0xfd,
	selectDatabase: 0xfe,
	end: 0xff,
} as const;

const HEADER_BYTES = 9;
const CRC_BYTES = 8;
const FIRST_WITH_CHECKSUM = 5;

interface Counts {
	keys: number;
	expiring: number;
	expired?: number;
}

/** What the walk is in the middle of. */
type Place = 'header' | 'between' | 'key' | 'value' | 'library' | 'module' | 'checksum' | 'end';

/**
 * Walks through an RDB as its bytes arrive: header, every opcode, every value to its end, CRC-64. Memory stays flat at any size of file or value;
 * without a reader not even keys are held.
 */
export class RdbWalker {
	private readonly cursor = new ByteCursor();
	private readonly values = new ValueWalker(this.cursor);
	private readonly crc = new Crc64();
	private readonly databases = new Map<number, Counts>();
	private readonly types = new Map<string, number>();
	private readonly modules = new Set<string>();
	private readonly aux: Record<string, string> = {};
	private readonly largeValues = new Map<number, number>();
	private counts: Counts | undefined;
	private place: Place = 'header';
	private version = 0;
	private flavor: 'redis' | 'valkey' = 'redis';
	private bytes = 0;
	private checksummed = true;
	private libraries = 0;
	private ordinal = 0;
	private database = 0;
	private type = 0;
	private expiresAt: number | undefined;
	private idleSeconds: number | undefined;
	private frequency: number | undefined;
	/** Where in the present bytes the value goes on, and how much of it has gone by before them. */
	private valueFrom = 0;
	private valueBytes = 0;
	private largest = 0;

	/** @param expiredBy milliseconds since 1970: also count the keys whose time ends before */
	constructor(
		private readonly reader?: RdbReader,
		private readonly expiredBy?: number,
	) {}

	/** @throws RdbError saying what is wrong and where */
	push(chunk: Buffer): void {
		this.bytes += chunk.length;
		const { cursor } = this;
		if (!cursor.append(chunk)) return;
		try {
			while (this.place === 'value' || cursor.at < cursor.data.length) if (!this.step()) break;
		} catch (error) {
			if (!(error instanceof RdbError)) throw error;
			throw new RdbError(error.problem, `${error.message} (near byte ${this.bytes - cursor.data.length + cursor.at})`);
		}
		if (this.place === 'value') this.handOutValue();
		if (this.place !== 'checksum' && this.place !== 'end') this.crc.update(cursor.data, 0, cursor.at);
		cursor.keepRest();
		this.valueFrom = 0;
	}

	/** @throws RdbError where the file ends too early */
	finish(): RdbReport {
		if (this.place !== 'end') {
			const where = { header: 'inside the header', between: 'without its end mark', key: 'inside a key', value: 'inside a value', library: 'inside a function library', module: "inside a module's data", checksum: 'inside its checksum', end: '' }[this.place];
			throw new RdbError('damaged', `it ends after ${this.bytes} bytes, ${where}`);
		}
		const databases: DatabaseCount[] = [...this.databases].map(([index, counts]) => ({ index, ...counts })).sort((a, b) => a.index - b.index);
		return {
			version: this.version,
			flavor: this.flavor,
			bytes: this.bytes,
			checksummed: this.checksummed,
			databases: databases.filter(({ keys }) => keys > 0),
			types: Object.fromEntries(this.types),
			functionLibraries: this.libraries,
			modules: [...this.modules],
			aux: this.aux,
			largestValue: this.largest,
			largeValues: this.largeValues,
		};
	}

	/** Reads the next token. @returns false when it needs more bytes */
	private step(): boolean {
		switch (this.place) {
			case 'header':
				return this.token(() => this.readHeader());
			case 'between':
				return this.token(() => this.readOpcode());
			case 'key':
				return this.reader ? this.token(() => this.readKey()) : this.values.advance() && this.keyPassed();
			case 'value':
				return this.values.advance() && this.valuePassed();
			case 'library':
				return this.reader ? this.token(() => this.readLibrary()) : this.values.advance() && this.to('between');
			case 'module': {
				const ended = this.values.advance();
				if (this.values.moduleName !== '') this.modules.add(this.values.moduleName);
				return ended && this.to('between');
			}
			case 'checksum':
				return this.token(() => this.readChecksum());
			case 'end':
				throw new RdbError('damaged', `${this.cursor.data.length - this.cursor.at} bytes follow after its end`);
		}
	}

	private token(read: () => boolean): boolean {
		this.cursor.begin();
		if (read()) return true;
		this.cursor.rewind();
		return false;
	}

	private to(place: Place): true {
		this.place = place;
		return true;
	}

	private readHeader(): boolean {
		const header = this.cursor.bytes(HEADER_BYTES)?.toString('latin1');
		if (header === undefined) return false;
		const digits = /^(?:REDIS(\d{4})|VALKEY(\d{3}))$/.exec(header);
		if (!digits) throw new RdbError('damaged', `it does not begin like an RDB file: ${JSON.stringify(header.slice(0, 5))} instead of "REDIS"`);
		this.version = Number(digits[1] ?? digits[2]);
		this.flavor = digits[2] === undefined ? 'redis' : 'valkey';
		if (this.version < 1) throw new RdbError('damaged', 'its version is 0');
		if (this.flavor === 'redis' && this.version >= FIRST_VALKEY_VERSION) throw new RdbError('unknown', `its version ${this.version} is not known`);
		return this.to('between');
	}

	private readOpcode(): boolean {
		const { cursor } = this;
		const opcode = cursor.byte();
		switch (opcode) {
			case undefined:
				return false;
			case OPCODE.aux:
				return this.readAux();
			case OPCODE.selectDatabase: {
				const index = cursor.length();
				if (index === undefined) return false;
				this.database = index;
				this.counts = undefined;
				return true;
			}
			case OPCODE.resizeDatabase:
				return cursor.length() !== undefined && cursor.length() !== undefined;
			case OPCODE.slotInfo:
				return cursor.length() !== undefined && cursor.length() !== undefined && cursor.length() !== undefined;
			case OPCODE.expireMilliseconds: {
				const bytes = cursor.bytes(8);
				if (bytes) this.expiresAt = Number(bytes.readBigInt64LE(0));
				return bytes !== undefined;
			}
			case OPCODE.expireSeconds: {
				const bytes = cursor.bytes(4);
				if (bytes) this.expiresAt = bytes.readInt32LE(0) * 1000;
				return bytes !== undefined;
			}
			case OPCODE.idle:
				return (this.idleSeconds = cursor.length()) !== undefined;
			case OPCODE.frequency:
				return (this.frequency = cursor.byte()) !== undefined;
			case OPCODE.function2:
				this.libraries += 1;
				if (!this.reader) this.values.begin([STRING_PART]);
				return this.to('library');
			case OPCODE.functionPreRelease:
				throw new RdbError('unknown', 'it holds functions in the format of a release candidate of Redis 7.0, which no released version writes');
			case OPCODE.moduleAux:
				this.values.moduleName = '';
				this.values.begin(MODULE_AUX_PARTS);
				return this.to('module');
			case OPCODE.end:
				this.crc.update(cursor.data, 0, cursor.at);
				if (this.version >= FIRST_WITH_CHECKSUM) return this.to('checksum');
				this.checksummed = false;
				return this.to('end');
			default:
				return this.beginType(opcode);
		}
	}

	private beginType(type: number): boolean {
		const known = valueType(type, this.version);
		if (!known) throw new RdbError('unknown', whyUnreadable(type, this.version));
		this.type = type;
		if (!this.reader) this.values.begin([STRING_PART]);
		return this.to('key');
	}

	private readAux(): boolean {
		const name = this.cursor.string();
		const value = name && this.cursor.string();
		if (!name || !value) return false;
		this.aux[name.toString('utf8')] = value.toString('utf8');
		return true;
	}

	private readLibrary(): boolean {
		const code = this.cursor.string();
		if (!code) return false;
		this.reader?.library(code);
		return this.to('between');
	}

	private readKey(): boolean {
		const key = this.cursor.string();
		if (!key) return false;
		const { ordinal, database, type, expiresAt, idleSeconds, frequency } = this;
		this.reader?.beginKey({ ordinal, database, key, type, expiresAt, idleSeconds, frequency });
		return this.keyPassed();
	}

	private keyPassed(): true {
		const known = valueType(this.type, this.version);
		if (!known) throw new RdbError('unknown', whyUnreadable(this.type, this.version));
		this.types.set(known.name, (this.types.get(known.name) ?? 0) + 1);
		this.values.moduleName = '';
		this.values.begin(known.parts);
		this.valueFrom = this.cursor.at;
		this.valueBytes = 0;
		return this.to('value');
	}

	private handOutValue(): void {
		const { cursor } = this;
		this.valueBytes += cursor.at - this.valueFrom;
		if (this.reader && cursor.at > this.valueFrom) this.reader.value(cursor.data.subarray(this.valueFrom, cursor.at));
		this.valueFrom = cursor.at;
	}

	private valuePassed(): true {
		this.handOutValue();
		this.reader?.endKey();
		if (this.type === MODULE_TYPE) this.modules.add(this.values.moduleName);
		if (!this.counts) {
			this.counts = this.databases.get(this.database) ?? { keys: 0, expiring: 0, ...(this.expiredBy === undefined ? {} : { expired: 0 }) };
			this.databases.set(this.database, this.counts);
		}
		this.counts.keys += 1;
		if (this.expiresAt !== undefined) {
			this.counts.expiring += 1;
			if (this.counts.expired !== undefined && this.expiresAt <= (this.expiredBy ?? 0)) this.counts.expired += 1;
		}
		if (this.valueBytes > LARGE_VALUE) this.largeValues.set(this.ordinal, this.valueBytes);
		this.largest = Math.max(this.largest, this.valueBytes);
		this.ordinal += 1;
		this.expiresAt = this.idleSeconds = this.frequency = undefined;
		return this.to('between');
	}

	private readChecksum(): boolean {
		const stored = this.cursor.bytes(CRC_BYTES);
		if (!stored) return false;
		this.checksummed = stored.some((byte) => byte !== 0);
		if (this.checksummed && !stored.equals(this.crc.digest())) {
			throw new RdbError('damaged', `its checksum is ${hex(stored)} and its bytes yield ${hex(this.crc.digest())}`);
		}
		return this.to('end');
	}
}

/** As Redis prints it: the number, big-endian. */
function hex(littleEndian: Buffer): string {
	return Buffer.from(littleEndian).reverse().toString('hex');
}

/** Passes the bytes of an RDB through, and tells `onReport` what they are once all have been found sound. */
export async function* walked(source: AsyncIterable<Buffer>, onReport: (report: RdbReport) => void): AsyncGenerator<Buffer, void, void> {
	const walker = new RdbWalker();
	let held: Buffer | undefined;
	for await (const chunk of source) {
		walker.push(chunk);
		if (held) yield held;
		held = chunk;
	}
	onReport(walker.finish());
	if (held) yield held;
}
