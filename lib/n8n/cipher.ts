import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';

/** A row of n8n's table `deployment_key` that holds a key for data, itself encrypted with the instance's key. */
export interface WrappedKey {
	readonly id: string;
	readonly value: string;
	readonly algorithm: string | null;
}

const SALT_OFFSET = 8;
const SALTED_HEADER_BYTES = 16;
const GCM = { version: 1, saltBytes: 32, tagBytes: 16, keyBytes: 32, ivBytes: 12, info: 'n8n-encryption-v1' } as const;
const GCM_HEADER_BYTES = 1 + GCM.saltBytes + GCM.tagBytes;
/** n8n's id of a key in front of what was encrypted with it. */
const KEY_ID = /^([A-Za-z0-9_-]{1,36}):/;

/**
 * Decrypts what n8n stores of a credential, with n8n's encryption key. Two forms exist: base64 of OpenSSL's `Salted__` format (AES-256-CBC,
 * EVP_BytesToKey with MD5), and, since n8n 2.x can rotate keys, `<key id>:` before data encrypted with one of `wrapped`.
 * @throws when the key is wrong or the data is damaged
 */
export function decryptCredential(data: string, instanceKey: string, wrapped: ReadonlyMap<string, WrappedKey>): unknown {
	return JSON.parse(decryptText(data, instanceKey, wrapped));
}

function decryptText(data: string, instanceKey: string, wrapped: ReadonlyMap<string, WrappedKey>): string {
	const id = KEY_ID.exec(data)?.[1];
	if (id === undefined) return decryptCbc(data, legacyKey(instanceKey, wrapped));
	const key = wrapped.get(id);
	if (!key) throw new Error(`the key ${id} is not in the table deployment_key`);
	const plainKey = unwrap(key, instanceKey);
	const body = data.slice(id.length + 1);
	switch (key.algorithm) {
		case 'aes-256-cbc':
			return decryptCbc(body, plainKey);
		case 'aes-256-gcm':
			return decryptGcm(body, plainKey);
		default:
			throw new Error(`the key ${id} is for "${key.algorithm ?? ''}", which is unknown`);
	}
}

/** Data without a key's id is encrypted with the key for AES-256-CBC that n8n has set aside, which is the instance's own unless that was changed. */
function legacyKey(instanceKey: string, wrapped: ReadonlyMap<string, WrappedKey>): string {
	const key = [...wrapped.values()].find(({ algorithm }) => algorithm === 'aes-256-cbc');
	return key === undefined || key.value === instanceKey ? instanceKey : unwrap(key, instanceKey);
}

function unwrap(key: WrappedKey, instanceKey: string): string {
	return decryptGcm(key.value, createHash('sha256').update(instanceKey).digest('hex'));
}

function decryptCbc(data: string, key: string): string {
	const input = Buffer.from(data, 'base64');
	if (input.length < SALTED_HEADER_BYTES) throw new Error('too short');
	const password = Buffer.concat([Buffer.from(key, 'binary'), input.subarray(SALT_OFFSET, SALTED_HEADER_BYTES)]);
	const first = md5(password);
	const second = md5(first, password);
	const decipher = createDecipheriv('aes-256-cbc', Buffer.concat([first, second]), md5(second, password));
	return Buffer.concat([decipher.update(input.subarray(SALTED_HEADER_BYTES)), decipher.final()]).toString('utf8');
}

/** version byte, salt, tag, ciphertext; key and IV by HKDF-SHA-256 from the key and the salt. */
function decryptGcm(data: string, keyHex: string): string {
	const input = Buffer.from(data, 'base64');
	if (input.length < GCM_HEADER_BYTES || input[0] !== GCM.version) throw new Error('not in the format of n8n');
	const salt = input.subarray(1, 1 + GCM.saltBytes);
	const derived = Buffer.from(hkdfSync('sha256', Buffer.from(keyHex, 'hex'), salt, GCM.info, GCM.keyBytes + GCM.ivBytes));
	const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, GCM.keyBytes), derived.subarray(GCM.keyBytes), { authTagLength: GCM.tagBytes });
	decipher.setAuthTag(input.subarray(1 + GCM.saltBytes, GCM_HEADER_BYTES));
	return Buffer.concat([decipher.update(input.subarray(GCM_HEADER_BYTES)), decipher.final()]).toString('utf8');
}

function md5(...parts: Buffer[]): Buffer {
	const hash = createHash('md5');
	for (const part of parts) hash.update(part);
	return hash.digest();
}
