import type { Decryption, Encryption } from '../core/keys';
import { DamagedBytesError } from './damaged-bytes-error';

/**
 * log2 of scrypt's N. The library's default of 18 takes 256 MiB, as much as a whole job may have; 16 takes 64 MiB.
 * What that loses (two bits) a passphrase of the required length has to spare.
 */
const SCRYPT_WORK_FACTOR = 16;

/** Loaded only by jobs that have something to encrypt or decrypt: it takes as long as all of zod. */
async function loadAge() {
	return await import('age-encryption');
}

/** None of the given keys opens it; the bytes themselves may be fine. */
export class WrongKeyError extends Error {
	override readonly name = 'WrongKeyError';
}

/** Encrypts to the age format: https://age-encryption.org/v1. Stock `age -d` reads the result. */
export async function* encrypt(source: AsyncIterable<Uint8Array>, encryption: Encryption): AsyncGenerator<Buffer, void, void> {
	const { Encrypter } = await loadAge();
	const encrypter = new Encrypter();
	switch (encryption.to) {
		case 'recipients':
			for (const recipient of encryption.recipients) encrypter.addRecipient(recipient);
			break;
		case 'passphrase':
			encrypter.setPassphrase(encryption.passphrase);
			encrypter.setScryptWorkFactor(SCRYPT_WORK_FACTOR);
			break;
	}
	const tap = new SourceTap(source);
	try {
		yield* chunksOf(await encrypter.encrypt(ReadableStream.from(tap.chunks())));
	} finally {
		await tap.close();
	}
}

/**
 * Decrypts an age file. Every chunk that comes out is authentic; a file that was cut off fails at its end.
 * @throws WrongKeyError before anything is handed out, DamagedBytesError, or what reading `source` throws
 */
export async function* decrypt(source: AsyncIterable<Uint8Array>, decryption: Decryption): AsyncGenerator<Buffer, void, void> {
	const { Decrypter } = await loadAge();
	const decrypter = new Decrypter();
	if (decryption.passphrase !== undefined) decrypter.addPassphrase(decryption.passphrase);
	for (const identity of decryption.identities) decrypter.addIdentity(identity);
	const tap = new SourceTap(source);
	try {
		yield* chunksOf(await decrypter.decrypt(ReadableStream.from(tap.chunks())));
	} catch (error) {
		if (tap.failed) throw tap.error;
		const message = (error as Error).message;
		if (message.includes('no identity matched')) throw new WrongKeyError('none of the given keys opens it', { cause: error });
		throw new DamagedBytesError('it cannot be decrypted', { cause: error });
	} finally {
		await tap.close();
	}
}

/** A source on its way through web streams: tells its errors from theirs, and is closed when they are left early, which they do not see to. */
class SourceTap {
	failed = false;
	error: unknown;
	private ended = false;
	private readonly iterator: AsyncIterator<Uint8Array>;

	constructor(source: AsyncIterable<Uint8Array>) {
		this.iterator = source[Symbol.asyncIterator]();
	}

	async *chunks(): AsyncGenerator<Uint8Array, void, void> {
		for (;;) {
			const step = await this.next();
			if (step.done) return;
			yield step.value;
		}
	}

	async close(): Promise<void> {
		if (this.ended) return;
		this.ended = true;
		await this.iterator.return?.();
	}

	private async next(): Promise<IteratorResult<Uint8Array, unknown>> {
		try {
			const step = await this.iterator.next();
			if (step.done) this.ended = true;
			return step;
		} catch (error) {
			this.ended = true;
			this.failed = true;
			this.error = error;
			throw error;
		}
	}
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Buffer, void, void> {
	for await (const chunk of stream) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
