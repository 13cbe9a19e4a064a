import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Encryption, encryptionSchema } from '../../../lib/core/keys';
import { decrypt, encrypt, WrongKeyError } from '../../../lib/pipeline/age';
import { DamagedBytesError } from '../../../lib/pipeline/damaged-bytes-error';
import { tryKeys } from '../../../lib/pipeline/try-keys';
import { type AgePair, newAgePair, stockAge } from '../../support/age';
import { chunks, collect, rejection } from '../../support/bytes';

const AGE_CHUNK = 64 * 1024;

let folder: string;
let pair: AgePair;
let other: AgePair;
let identityFile: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'backup-recovery-age-'));
	[pair, other] = [await newAgePair(), await newAgePair()];
	identityFile = join(folder, 'identity.txt');
	await writeFile(identityFile, `${pair.identity}\n`, { mode: 0o600 });
});
afterAll(async () => await rm(folder, { recursive: true }));

const to = (...recipients: string[]): Encryption => ({ to: 'recipients', recipients });
const sealed = async (content: Buffer, encryption: Encryption = to(pair.recipient)) => await collect(encrypt(chunks(content), encryption));
const opened = async (content: Buffer, identities: string[], passphrase?: string) => await collect(decrypt(chunks(content), { identities, passphrase }));

describe('to recipients', () => {
	test.each([0, 1, AGE_CHUNK - 1, AGE_CHUNK, AGE_CHUNK + 1, 3 * AGE_CHUNK])('%i bytes come back, here and with stock age', async (size) => {
		const content = randomBytes(size);
		const file = await sealed(content);
		expect((await opened(file, [pair.identity])).equals(content)).toBe(true);
		expect((await stockAge(['-d', '-i', identityFile], file)).equals(content)).toBe(true);
	});

	test('what stock age encrypted is read', async () => {
		const content = randomBytes(200_000);
		expect((await opened(await stockAge(['-r', pair.recipient], content), [pair.identity])).equals(content)).toBe(true);
	});

	test('each of several identities opens it, and one among others is enough', async () => {
		const file = await sealed(Buffer.from('x'), to(pair.recipient, other.recipient));
		expect(String(await opened(file, [other.identity]))).toBe('x');
		expect(String(await opened(await sealed(Buffer.from('y')), [other.identity, pair.identity]))).toBe('y');
	});

	test('other identities, none, or a passphrase do not', async () => {
		const file = await sealed(Buffer.from('x'));
		for (const attempt of [() => opened(file, [other.identity]), () => opened(file, []), () => opened(file, [], 'a long passphrase')]) {
			expect(await rejection(attempt())).toBeInstanceOf(WrongKeyError);
		}
	});

	test('whatever is flipped, cut or added, nothing but a part of the content comes out, and then an error', async () => {
		const content = randomBytes(AGE_CHUNK + 5000);
		const file = await sealed(content);
		const damage = fc.record({ what: fc.constantFrom('flip', 'cut', 'add'), at: fc.nat(file.length - 1), bit: fc.nat(7) });
		await fc.assert(
			fc.asyncProperty(damage, async ({ what, at, bit }) => {
				const damaged = what === 'cut' ? file.subarray(0, at) : what === 'add' ? Buffer.concat([file, Buffer.alloc(1 + (at % 100))]) : Buffer.from(file);
				if (what === 'flip') damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
				const seen: Buffer[] = [];
				const error = await rejection(
					(async () => {
						for await (const chunk of decrypt(chunks(damaged), { identities: [pair.identity] })) seen.push(Buffer.from(chunk));
					})(),
				);
				expect(error instanceof DamagedBytesError || error instanceof WrongKeyError).toBe(true);
				const read = Buffer.concat(seen);
				expect(read.equals(content.subarray(0, read.length))).toBe(true);
			}),
			{ numRuns: 60 },
		);
	});

	test('an error of the source is passed on as it is', async () => {
		const file = await sealed(randomBytes(200_000));
		async function* failing() {
			yield file.subarray(0, 100_000);
			throw new Error('the disk went away');
		}
		expect((await rejection(collect(decrypt(failing(), { identities: [pair.identity] })))).message).toBe('the disk went away');
		async function* failingSource() {
			yield Buffer.from('a');
			throw new Error('the server went away');
		}
		expect((await rejection(collect(encrypt(failingSource(), to(pair.recipient))))).message).toBe('the server went away');
	});

	test('a source that nobody reads any more is closed', async () => {
		let closed = false;
		async function* endless() {
			try {
				for (;;) yield Buffer.alloc(100_000);
			} finally {
				closed = true;
			}
		}
		for await (const chunk of encrypt(endless(), to(pair.recipient))) {
			void chunk;
			break;
		}
		expect(closed).toBe(true);
	});
});

describe('with a passphrase', () => {
	const passphrase = 'correct horse battery staple';

	test('only the same one opens it', async () => {
		const file = await sealed(Buffer.from('secret'), { to: 'passphrase', passphrase });
		expect(String(await opened(file, [], passphrase))).toBe('secret');
		expect(await rejection(opened(file, [], 'correct horse battery stable'))).toBeInstanceOf(WrongKeyError);
		expect(await rejection(opened(file, [pair.identity]))).toBeInstanceOf(WrongKeyError);
	});

	test('a short one is refused', () => {
		expect(encryptionSchema.safeParse({ to: 'passphrase', passphrase: 'short' }).success).toBe(false);
	});
});

describe('trying keys', () => {
	const encryption = () => to(pair.recipient);

	test('tells what a credential can do', async () => {
		expect(await tryKeys(encryption(), null)).toEqual({ encrypts: true, decrypts: false, opensOwn: null, ownRecipients: [] });
		expect(await tryKeys(null, { identities: [pair.identity] })).toEqual({ encrypts: false, decrypts: true, opensOwn: null, ownRecipients: [pair.recipient] });
		expect(await tryKeys(encryption(), { identities: [pair.identity] })).toMatchObject({ opensOwn: true });
		expect(await tryKeys(encryption(), { identities: [other.identity] })).toMatchObject({ opensOwn: false });
	});
});
