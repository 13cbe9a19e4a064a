import type { Decryption, Encryption } from '../core/keys';
import { decrypt, encrypt } from './age';

/** What a pair of keys can do. */
export interface KeyTrial {
	readonly encrypts: boolean;
	readonly decrypts: boolean;
	/** Whether what is encrypted can also be decrypted here; null where one of the two is missing. */
	readonly opensOwn: boolean | null;
	/** Public keys of the identities. */
	readonly ownRecipients: string[];
}

/** Encrypts and decrypts a few bytes with the given keys. */
export async function tryKeys(encryption: Encryption | null, decryption: Decryption | null): Promise<KeyTrial> {
	const { identityToRecipient } = await import('age-encryption');
	const ownRecipients = await Promise.all((decryption?.identities ?? []).map(async (identity) => await identityToRecipient(identity)));
	const both = encryption !== null && decryption !== null;
	return { encrypts: encryption !== null, decrypts: decryption !== null, opensOwn: both ? await opens(encryption, decryption) : null, ownRecipients };
}

async function opens(encryption: Encryption, decryption: Decryption): Promise<boolean> {
	const sealed: Buffer[] = [];
	for await (const chunk of encrypt(oneChunk(), encryption)) sealed.push(chunk);
	try {
		for await (const chunk of decrypt(eachOf(sealed), decryption)) void chunk;
		return true;
	} catch (error) {
		if ((error as Error).name !== 'WrongKeyError') throw error;
		return false;
	}
}

async function* oneChunk(): AsyncGenerator<Uint8Array, void, void> {
	yield Buffer.from('trial');
}

async function* eachOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void, void> {
	yield* chunks;
}
