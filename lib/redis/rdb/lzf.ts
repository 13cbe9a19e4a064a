import { RdbError } from './rdb-error';

/**
 * Decompresses LZF (`lzf_d.c` of Redis): literal runs of 1 to 32 bytes, and references of 3 to 264 bytes up to 8 KiB back.
 * @throws RdbError where the input does not yield exactly `length` bytes
 */
export function decompressLzf(input: Buffer, length: number): Buffer {
	const output = Buffer.alloc(length);
	let from = 0;
	let to = 0;
	const next = () => {
		const byte = input[from++];
		if (byte === undefined) throw new RdbError('damaged', 'a compressed string ends too early');
		return byte;
	};
	while (from < input.length) {
		const control = next();
		if (control < 32) {
			const run = control + 1;
			if (from + run > input.length || to + run > length) throw new RdbError('damaged', 'a compressed string is longer than it says');
			input.copy(output, to, from, from + run);
			from += run;
			to += run;
			continue;
		}
		let run = control >> 5;
		if (run === 7) run += next();
		run += 2;
		let back = to - ((control & 31) << 8) - next() - 1;
		if (back < 0 || to + run > length) throw new RdbError('damaged', 'a compressed string refers to bytes that it does not have');
		for (let left = run; left > 0; left--) output[to++] = output[back++] as number;
	}
	if (to !== length) throw new RdbError('damaged', `a compressed string holds ${to} bytes instead of ${length}`);
	return output;
}
