import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createdBy } from '../backup/created-by';
import { newBackupId } from '../catalog/backup-id';
import type { Component } from '../catalog/component';
import { KITS_FOLDER } from '../catalog/layout';
import { readManifest } from '../catalog/read-manifest';
import { once, writeSmallObject } from '../catalog/small-object';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { StepRecorder, type StepResult } from '../core/steps';
import { WrongKeyError } from '../pipeline/age';
import { readStored } from '../pipeline/read-stored';
import { type StoredBytes, writeStored } from '../pipeline/write-stored';
import type { StoreLocation } from '../storage/location';
import type { Store } from '../storage/store';
import { type KitProof, proveSingleFile } from './prove';
import { type KitFacts, stepsText } from './steps';
import { stepsPage } from './steps-page';
import { shellQuoted, STORE_CA_NAME, storeArguments, storeVariables } from './store-arguments';

export interface WriteKitOptions {
	/** Where the backups are. */
	readonly location: StoreLocation;
	readonly store: Store;
	/** Where the kit goes: another place than the backups, and one that people reach without the server. */
	readonly target: Store;
	/** The command line in one file; its licences lie beside it. */
	readonly singleFile: string;
	readonly title: string;
	readonly notes: string;
	/** Put the keys of the store into the kit: then it must be encrypted. */
	readonly includeStoreKeys: boolean;
	readonly allowUnencrypted: boolean;
}

/** What writing a kit yields. */
export interface KitResult {
	readonly kit: { readonly id: string; readonly file: string; readonly bytes: number; readonly sha256: string; readonly encryptedTo: string[]; readonly store: string; readonly files: string[] };
	readonly recoveryPoint: string | null;
	/** What its single file did in an empty folder. */
	readonly proof: { readonly read: string; readonly network: string };
	readonly steps: StepResult[];
	readonly warnings: string[];
}

/**
 * Writes a break-glass kit: the command line in one file, the address of the store, and the steps for a person, as an encrypted tar archive.
 * Before it is written its single file is run in an empty folder; afterwards it is read back. The object that names it, `kit.json`, is written last.
 * @throws BackupError `ENCRYPTION_REQUIRED`, `INVALID_INPUT` where the single file is missing, what the proof failed with, or the store's
 */
export async function writeKit(options: WriteKitOptions, context: JobContext): Promise<KitResult> {
	const { encryption } = context.keys;
	if (encryption === null && (options.includeStoreKeys || !options.allowUnencrypted)) {
		throw new BackupError('ENCRYPTION_REQUIRED', 'A break-glass kit tells where the backups are, and is not written unencrypted.', 'Give a Backup Encryption credential with the public keys of those who may open the kit.');
	}
	const steps = new StepRecorder(context.progress);
	await requireSingleFile(options.singleFile);
	const proof = await proveSingleFile(options.singleFile, options.location, context, steps);
	const folder = join(context.workFolder, 'kit');
	try {
		const facts = await factsOf(options, proof, context);
		const files = await steps.run('Gather the kit', async () => await gather(folder, options, proof, facts), (names) => names.join(', '));
		return await publish(options, { folder, files, proof }, context, steps);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function requireSingleFile(path: string): Promise<void> {
	try {
		await stat(path);
	} catch (error) {
		throw new BackupError('INVALID_INPUT', `The command line in one file is missing (${path}).`, 'Install the package n8n-nodes-backup-recovery again, or build it with "npm run build".', { cause: error });
	}
}

async function factsOf({ location, store, title, notes, includeStoreKeys }: WriteKitOptions, { recoveryPoint }: KitProof, context: JobContext): Promise<KitFacts> {
	const recipients = new Set<string>();
	let passphraseNeeded = false;
	for (const { component, backup, state } of recoveryPoint?.members ?? []) {
		if (state !== 'present') continue;
		const manifest = await readManifest(store, component as Component, backup, context.signal);
		for (const { encryption } of manifest?.artifacts ?? []) {
			for (const recipient of encryption?.recipients ?? []) recipients.add(recipient);
			passphraseNeeded ||= encryption?.to === 'passphrase';
		}
	}
	return {
		title,
		madeAt: context.now().toISOString(),
		version: createdBy().version,
		store: store.description,
		storeArguments: storeArguments(location),
		hasStoreKeys: includeStoreKeys && Object.keys(storeVariables(location)).length > 0,
		bucket: location.type === 's3',
		recoveryPoint,
		backupRecipients: [...recipients],
		passphraseNeeded,
		notes: notes.trim(),
	};
}

/** @returns the names of what is in the kit */
async function gather(folder: string, { singleFile, location }: WriteKitOptions, proof: KitProof, facts: KitFacts): Promise<string[]> {
	await mkdir(folder, { mode: 0o700 });
	const put = async (name: string, text: string) => await writeFile(join(folder, name), text, { mode: 0o600 });
	await copyFile(singleFile, join(folder, 'backup-recovery.cjs'));
	await copyFile(join(dirname(singleFile), 'LICENSES.txt'), join(folder, 'LICENSES.txt'));
	await put('STEPS.txt', stepsText(facts));
	await put('STEPS.html', stepsPage(facts));
	await put('targets.json', proof.targets);
	if (location.type === 's3' && location.ca !== '') await put(STORE_CA_NAME, location.ca);
	if (facts.hasStoreKeys) await put('store-keys.env', Object.entries(storeVariables(location)).map(([name, value]) => `${name}=${shellQuoted(value)}\n`).join(''));
	const names = (await readdir(folder)).sort();
	const sums = await Promise.all(names.map(async (name) => `${createHash('sha256').update(await readFile(join(folder, name))).digest('hex')}  ${name}\n`));
	await put('SHA256SUMS', sums.join(''));
	return [...names, 'SHA256SUMS'];
}

/** What the shipped workflow leaves to be filled in, in its languages. */
const LEFT_BLANK = /\((write it here|escreva aqui)\)/;

async function publish({ target, title, notes }: WriteKitOptions, { folder, files, proof }: { folder: string; files: string[]; proof: KitProof }, context: JobContext, steps: StepRecorder): Promise<KitResult> {
	const { signal, keys } = context;
	const id = newBackupId(context.now(), 'kit', (bytes) => context.randomBytes(bytes));
	const place = `${KITS_FOLDER}${id}/`;
	const name = keys.encryption === null ? 'kit.tar' : 'kit.tar.age';
	const archive = join(context.workFolder, 'kit.tar');
	const tar = await import('tar');
	await tar.create({ cwd: folder, file: archive, portable: true }, files);
	const { size } = await stat(archive);
	const written = await steps.run(
		'Write the kit',
		async () => await writeStored(target, place + name, createReadStream(archive), { compression: { algorithm: 'none' }, encryption: keys.encryption, signal, secret: true, immutable: true, expectedBytes: size }),
		({ storedBytes }) => `${storedBytes} bytes to ${target.description}.`,
	);
	const opened = await steps.run('Read it back', async () => await readBack(target, place + name, written, context), (whole) => (whole ? 'It is as it was written, and the given key opens it.' : 'It is as it was written. It was not opened: no key for it was given.'));
	await target.put(`${place}README.txt`, once(Buffer.from(readme(title, name, written, proof))), { signal });
	const encryptedTo = written.encryption?.recipients ?? [];
	await writeSmallObject(target, `${place}kit.json`, { formatVersion: 1, id, file: name, createdAt: context.now().toISOString(), createdBy: createdBy(), ...written, files, recoveryPoint: proof.recoveryPoint?.id ?? null, proof: { read: proof.read, network: proof.network } }, { signal });
	return {
		kit: { id, file: place + name, bytes: written.storedBytes, sha256: written.storedSha256, encryptedTo, store: target.description, files },
		recoveryPoint: proof.recoveryPoint?.id ?? null,
		proof: { read: proof.read, network: proof.network },
		steps: steps.steps,
		warnings: [
			...(proof.recoveryPoint === null ? ['The store has no complete recovery point: the kit would find nothing to restore.'] : []),
			...(LEFT_BLANK.test(notes) ? ['The notes still say "(write it here)": nobody who opens the kit will know where the secret keys are. Write it into the notes.'] : []),
			...(opened ? [] : ['Nobody has opened this kit yet: no key for it was given here. Open one by hand now and then.']),
		],
	};
}

/** @returns whether it was opened too; stored bytes alone are compared where the key is elsewhere */
async function readBack(target: Store, key: string, written: StoredBytes, { signal, keys }: JobContext): Promise<boolean> {
	const read = async (expected: Parameters<typeof readStored>[1]) => {
		for await (const chunk of readStored((await target.get(key, { signal })) as AsyncIterable<Buffer>, expected, { decryption: keys.decryption })) void chunk;
	};
	if (written.encryption === undefined || keys.decryption !== null) {
		try {
			await read(written);
			return true;
		} catch (error) {
			// The keys given are those of the backups; who may open the kit can be others.
			if (!(error instanceof WrongKeyError)) throw error;
		}
	}
	const { storedBytes, storedSha256 } = written;
	await read({ sourceBytes: storedBytes, sourceSha256: storedSha256, storedBytes, storedSha256, compression: { algorithm: 'none' } });
	return false;
}

/** In the clear beside the kit: how to open it, and nothing that helps an attacker. */
function readme(title: string, name: string, { encryption, storedSha256 }: StoredBytes, { recoveryPoint }: KitProof): string {
	const open = encryption === undefined ? `tar -xf ${name}` : encryption.to === 'passphrase' ? `age -d ${name} | tar -x        (it asks for the passphrase)` : `age -d -i YOUR-SECRET-KEY.txt ${name} | tar -x`;
	return [
		`${title}: break-glass kit`,
		'',
		'For the day on which n8n or its whole server is gone. Open it on a clean machine, in an empty folder, then follow STEPS.txt:',
		'',
		`    sha256sum ${name}        must print ${storedSha256}`,
		`    ${open}`,
		'',
		...(encryption?.recipients === undefined ? [] : ['Any one of the secret keys that belong to these public keys opens it:', ...encryption.recipients.map((recipient) => `    ${recipient}`), '']),
		`age is in every Linux distribution (apt-get install age) and at https://age-encryption.org. ${recoveryPoint === null ? '' : `The newest recovery point then was ${recoveryPoint.id}.`}`.trim(),
		'',
	].join('\n');
}
