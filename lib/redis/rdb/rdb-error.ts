/**
 * Why an RDB cannot be used. `damaged`: the bytes are not what Redis wrote. `unknown`: they may be, but hold something that this version cannot read.
 * The message is a clause: "it ends after 12 bytes, inside a key".
 */
export class RdbError extends Error {
	override readonly name = 'RdbError';

	constructor(
		readonly problem: 'damaged' | 'unknown',
		message: string,
	) {
		super(message);
	}
}
