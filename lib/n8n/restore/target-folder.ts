import { access, constants, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from '../../catalog/manifest';
import { BackupError } from '../../core/errors';
import type { RestoreCheck } from '../../core/steps';
import { migrationNames } from '../inspect';
import { sqliteInstance } from '../instance-database';
import { requiredDetails } from '../prove-sqlite';
import { readSettingsFile, SETTINGS_NAME } from '../settings-file';
import { openSqlite, sqliteError, withSqlite } from '../sqlite-database';
import { N8nTables } from '../tables';
import type { RestoreN8nOptions } from './options';

/** What the target holds before a restore. */
export interface TargetFolder {
	readonly exists: boolean;
	readonly databasePath: string;
	readonly hasDatabase: boolean;
	/** The key in its settings file; undefined: no such file. */
	readonly key: string | undefined;
	readonly owner: { readonly uid: number; readonly gid: number };
}

/** `onPostgres`: what the folder holds of a database is of no concern. */
export async function readTargetFolder({ dataFolder, databaseFile }: Pick<RestoreN8nOptions, 'dataFolder' | 'databaseFile'>, onPostgres: boolean): Promise<TargetFolder> {
	const folder = await statOf(dataFolder);
	if (folder && !folder.isDirectory()) throw new BackupError('INVALID_INPUT', `${dataFolder} is not a folder.`, "Name n8n's data folder, usually .n8n in the home of its user.");
	const parent = folder ?? (await statOf(dirname(dataFolder)));
	if (!parent) throw new BackupError('INVALID_INPUT', `Neither ${dataFolder} nor the folder above it exists.`, 'Create the folder, or correct the path.');
	const databasePath = join(dataFolder, databaseFile);
	const settings = folder ? await readSettingsFile(join(dataFolder, SETTINGS_NAME)) : undefined;
	const key = typeof settings?.encryptionKey === 'string' ? settings.encryptionKey : undefined;
	return { exists: folder !== undefined, databasePath, hasDatabase: !onPostgres && (await statOf(databasePath)) !== undefined, key, owner: { uid: parent.uid, gid: parent.gid } };
}

/** Everything that can stand against a restore into this folder. */
export async function checkTargetFolder(options: RestoreN8nOptions, target: TargetFolder, manifest: Manifest, backupKey: string): Promise<RestoreCheck[]> {
	return [
		await checkWritable(options.dataFolder, target),
		...(target.hasDatabase ? [await checkNotRunning(target.databasePath), await checkMigrations(target.databasePath, manifest), checkConfirmation(options, target)] : []),
		checkKey(options, target, backupKey),
	];
}

async function checkWritable(folder: string, target: TargetFolder): Promise<RestoreCheck> {
	const check = 'Data folder';
	const place = target.exists ? folder : dirname(folder);
	try {
		await access(place, constants.W_OK | constants.X_OK);
		return { check, state: 'passed', detail: target.exists ? `${folder} can be written.` : `${folder} will be created.` };
	} catch (error) {
		const detail = `${place} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`;
		return { check, state: 'failed', code: 'PERMISSION_DENIED', detail, hint: 'Run this as the user that n8n runs as, or correct the rights of the folder.' };
	}
}

/** A running n8n keeps its database open, so no other process gets it for itself alone. */
export async function checkNotRunning(file: string): Promise<RestoreCheck> {
	const check = 'n8n is stopped';
	const database = openSqlite(file, { readOnly: false });
	try {
		database.exec('PRAGMA busy_timeout = 200; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK');
		return { check, state: 'passed', detail: `Nobody has ${file} open.` };
	} catch (caught) {
		const error = sqliteError(caught, file);
		if (error instanceof BackupError && error.code === 'DATABASE_IN_USE') {
			return { check, state: 'failed', code: 'DATABASE_IN_USE', detail: `${file} is in use: an n8n runs on it.`, hint: 'Stop that n8n and its workers, then restore again.' };
		}
		// A damaged database is what somebody may be restoring for; it is only set aside.
		if (error instanceof BackupError && error.code === 'ARTIFACT_DAMAGED') return { check, state: 'warning', detail: `${error.message} It will be set aside as it is. See that n8n is stopped.` };
		throw error;
	} finally {
		database.close();
	}
}

/** The n8n that ran here last knows the migrations in its database, and an older one cannot start on a newer database. */
async function checkMigrations(file: string, manifest: Manifest): Promise<RestoreCheck> {
	const check = 'Version of n8n';
	const { migrations } = requiredDetails(manifest);
	let known: string[];
	try {
		// Not read-only: then closing it leaves no side files.
		known = await withSqlite(file, { readOnly: false }, async (database) => {
			const instance = sqliteInstance(database, file);
			return await migrationNames(instance, N8nTables.among(await instance.tables(), file));
		});
	} catch (error) {
		if (!(error instanceof BackupError)) throw error;
		return { check, state: 'warning', detail: `Which n8n ran here last cannot be told: ${error.message}`, hint: `Start an n8n that knows the migration ${migrations.newest}.` };
	}
	if (migrations.newest === '' || known.includes(migrations.newest)) return { check, state: 'passed', detail: 'The n8n that ran here last is as new as the one that was backed up, or newer.' };
	return {
		check,
		state: 'failed',
		code: 'SERVER_VERSION',
		detail: `The n8n that ran here last does not know the migration ${migrations.newest} of the backup: it is older.`,
		hint: `Install n8n ${manifest.source.type === 'n8n' ? manifest.source.version : ''} or newer and start it once, or move ${file} away if a newer one is already installed.`,
	};
}

function checkConfirmation({ dataFolder, confirmation }: RestoreN8nOptions, target: TargetFolder): RestoreCheck {
	const check = 'Confirmation';
	if (confirmation === dataFolder) return { check, state: 'passed', detail: `The folder ${dataFolder} was typed; ${target.databasePath} will be kept under another name.` };
	return {
		check,
		state: 'failed',
		code: 'NOT_CONFIRMED',
		detail: `${dataFolder} already holds an n8n, and ${confirmation === '' ? 'this was not confirmed' : `the confirmation ${JSON.stringify(confirmation)} is not that folder`}.`,
		hint: `Type the folder, ${dataFolder}, as the confirmation. Its database is set aside, not deleted.`,
	};
}

function checkKey({ replaceKey, dataFolder }: RestoreN8nOptions, target: TargetFolder, backupKey: string): RestoreCheck {
	const check = 'Encryption key';
	const file = join(dataFolder, SETTINGS_NAME);
	if (target.key === undefined) return { check, state: 'passed', detail: `The backup's key will be written to ${file}.` };
	if (target.key === backupKey) return { check, state: 'passed', detail: `${file} already holds the key of the backup.` };
	const detail = `${file} holds another key than the backup.`;
	if (replaceKey) return { check, state: 'warning', detail: `${detail} It will be replaced; the old file is kept.` };
	return { check, state: 'failed', code: 'N8N_KEY_WRONG', detail, hint: 'n8n cannot open the restored credentials with it. Allow the key to be replaced (the old file is kept), or restore into an empty folder.' };
}

async function statOf(path: string) {
	try {
		return await stat(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw new BackupError('PERMISSION_DENIED', `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, 'Run this as the user that n8n runs as.', { cause: error });
	}
}
