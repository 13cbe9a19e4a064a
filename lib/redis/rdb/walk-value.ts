import type { ByteCursor } from './byte-cursor';
import { RdbError } from './rdb-error';
import type { Part } from './value-layout';

interface Level {
	readonly parts: readonly Part[];
	index: number;
	/** How many times the parts are still to come, this time included. */
	left: number;
}

/** Letters of module names, by their six bits (`moduleTypeNameCharSet`). */
const NAME_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Finds the end of one value after the other. It holds no bytes of them, only where in their layout it stands. */
export class ValueWalker {
	/** Bytes of the value that are to be passed over before the next token. */
	skipping = 0;
	/** Set when a module's name went by. */
	moduleName = '';
	private readonly levels: Level[] = [];

	constructor(private readonly cursor: ByteCursor) {}

	get inValue(): boolean {
		return this.levels.length > 0 || this.skipping > 0;
	}

	begin(parts: readonly Part[]): void {
		this.levels.push({ parts, index: 0, left: 1 });
	}

	/** Goes on as far as the bytes reach. @returns true at the end of the value, false when it needs more bytes */
	advance(): boolean {
		const { cursor, levels } = this;
		for (;;) {
			if (this.skipping > 0) {
				const passed = Math.min(this.skipping, cursor.data.length - cursor.at);
				cursor.at += passed;
				this.skipping -= passed;
				if (this.skipping > 0) {
					cursor.begin();
					return false;
				}
			}
			const level = levels.at(-1);
			if (level === undefined) return true;
			if (level.index === level.parts.length) {
				level.left -= 1;
				if (level.left > 0) level.index = 0;
				else levels.pop();
				continue;
			}
			cursor.begin();
			if (!this.token(level, level.parts[level.index] as Part)) {
				cursor.rewind();
				return false;
			}
		}
	}

	private token(level: Level, part: Part): boolean {
		const { cursor } = this;
		switch (part.what) {
			case 'string': {
				const bytes = cursor.stringBytes();
				if (bytes === undefined) return false;
				this.skipping = bytes;
				break;
			}
			case 'length':
				if (this.number() === undefined) return false;
				break;
			case 'skip':
				this.skipping = part.bytes;
				break;
			case 'score': {
				const bytes = cursor.byte();
				if (bytes === undefined) return false;
				// 253, 254 and 255 stand for not-a-number and the two infinities.
				this.skipping = bytes < 253 ? bytes : 0;
				break;
			}
			case 'repeat': {
				const count = this.number();
				if (count === undefined) return false;
				if (count > 0) this.levels.push({ parts: part.parts, index: 0, left: count });
				break;
			}
			case 'moduleName':
				if (!this.readModuleName()) return false;
				break;
			case 'moduleParts': {
				const more = this.modulePart();
				if (more === undefined) return false;
				if (more) return true;
				break;
			}
		}
		level.index += 1;
		return true;
	}

	/** A number in the length encoding, which must not be the encoding of a string. */
	private number(): number | undefined {
		const value = this.cursor.length();
		if (value !== undefined && this.cursor.encoded) throw new RdbError('damaged', 'a string stands where a number must be');
		return value;
	}

	/** Nine letters of six bits each, then ten bits of the encoding's version: always in the 64-bit form. */
	private readModuleName(): boolean {
		const { cursor } = this;
		const from = cursor.at;
		if (this.number() === undefined) return false;
		let id = cursor.at - from === 9 ? cursor.data.readBigUInt64BE(from + 1) >> 10n : 0n;
		let name = '';
		for (let letter = 0; letter < 9; letter++) {
			name = (NAME_LETTERS[Number(id & 63n)] ?? '?') + name;
			id >>= 6n;
		}
		this.moduleName = name;
		return true;
	}

	/** One tagged value of a module (`RDB_MODULE_OPCODE_*`). @returns whether more follow; undefined: bytes are lacking */
	private modulePart(): boolean | undefined {
		const { cursor } = this;
		const tag = this.number();
		switch (tag) {
			case undefined:
				return undefined;
			case 0:
				return false;
			case 1:
			case 2:
				return this.number() === undefined ? undefined : true;
			case 3:
				this.skipping = 4;
				return true;
			case 4:
				this.skipping = 8;
				return true;
			case 5: {
				const bytes = cursor.stringBytes();
				if (bytes === undefined) return undefined;
				this.skipping = bytes;
				return true;
			}
			default:
				throw new RdbError('damaged', `a module's value has the tag ${tag}, which means nothing`);
		}
	}
}
