import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../core/errors';

/** The file in n8n's data folder that holds its encryption key and little else. */
export const SETTINGS_NAME = 'config';

export interface InstanceSettings {
	readonly encryptionKey: string;
	/** Where the key was found, for people. */
	readonly from: string;
	/** The settings file's JSON, the key in it in any case. */
	readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * n8n's encryption key: `given` (n8n's variable `N8N_ENCRYPTION_KEY`), else from the settings file of its data folder, as n8n itself does.
 * @throws BackupError `N8N_KEY_MISSING`; `N8N_KEY_WRONG` when both are there and differ
 */
export async function readInstanceSettings(dataFolder: string, given: string | null): Promise<InstanceSettings> {
	const file = join(dataFolder, SETTINGS_NAME);
	const settings = (await readSettingsFile(file)) ?? {};
	const stored = typeof settings.encryptionKey === 'string' && settings.encryptionKey !== '' ? settings.encryptionKey : undefined;
	if (given !== null && stored !== undefined && given !== stored) {
		throw new BackupError(
			'N8N_KEY_WRONG',
			`The encryption key in ${file} is another one than N8N_ENCRYPTION_KEY.`,
			'n8n does not start like this. See which of the two opens the credentials, and correct the other one.',
		);
	}
	const encryptionKey = given ?? stored;
	if (encryptionKey === undefined) {
		throw new BackupError(
			'N8N_KEY_MISSING',
			`n8n's encryption key was not found: ${file} does not hold it, and N8N_ENCRYPTION_KEY is not set.`,
			'Without the key the credentials in a backup are worth nothing. Name the data folder of n8n (the one with the file "config"), or set N8N_ENCRYPTION_KEY for n8n.',
		);
	}
	return { encryptionKey, from: given === null ? file : 'N8N_ENCRYPTION_KEY', settings: { ...settings, encryptionKey } };
}

/** The JSON of a settings file; undefined where there is none. */
export async function readSettingsFile(file: string): Promise<Record<string, unknown> | undefined> {
	let text: string;
	try {
		text = await readFile(file, 'utf8');
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code;
		if (code === 'ENOENT') return undefined;
		throw new BackupError('PERMISSION_DENIED', `${file} cannot be read (${code ?? 'unknown reason'}).`, 'Run this as the user that n8n runs as.', { cause: error });
	}
	const value = parse(text);
	if (value !== undefined) return value;
	// The text itself stays out of the error: it holds the key.
	throw new BackupError('INVALID_INPUT', `${file} is not the settings file of an n8n: it holds no JSON object.`, 'Repair it; n8n does not start with it either.');
}

function parse(text: string): Record<string, unknown> | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
	} catch {
		return undefined;
	}
}
