import type { N8nDetails } from '../catalog/n8n-manifest';
import { BackupError, throwIfAborted } from '../core/errors';
import { decryptCredential, type WrappedKey } from './cipher';
import type { InstanceDatabase } from './instance-database';
import { N8nTables } from './tables';

export type Inspection = Pick<N8nDetails, 'counts' | 'tablePrefix' | 'migrations' | 'credentials' | 'communityPackages'>;

/** Takes down what a database of n8n's holds, and tries `encryptionKey` on every credential; no secret leaves this function. */
export async function inspectInstance(database: InstanceDatabase, encryptionKey: string, signal: AbortSignal): Promise<Inspection> {
	const names = await database.tables();
	const tables = N8nTables.among(names, database.description);
	const counts: Record<string, number> = {};
	for (const name of names) {
		throwIfAborted(signal);
		counts[name] = await database.count(name);
	}
	return {
		counts,
		tablePrefix: tables.prefix,
		migrations: await readMigrations(database, tables),
		credentials: await tryCredentials(database, tables, names, encryptionKey, signal),
		communityPackages: names.includes(tables.named('installed_packages')) ? await readPackages(database, tables) : [],
	};
}

/** The migrations that a database has been through, oldest first. */
export async function migrationNames(database: InstanceDatabase, tables: N8nTables): Promise<string[]> {
	const found: Array<{ at: number; name: string }> = [];
	for await (const { timestamp, name } of database.rows(tables.named('migrations'), ['timestamp', 'name'])) found.push({ at: Number(timestamp), name: String(name) });
	return found.sort((a, b) => a.at - b.at).map(({ name }) => name);
}

async function readMigrations(database: InstanceDatabase, tables: N8nTables): Promise<Inspection['migrations']> {
	const names = await migrationNames(database, tables);
	return { count: names.length, newest: names.at(-1) ?? '' };
}

async function tryCredentials(database: InstanceDatabase, tables: N8nTables, names: readonly string[], encryptionKey: string, signal: AbortSignal): Promise<Inspection['credentials']> {
	const wrapped = names.includes(tables.named('deployment_key')) ? await readWrappedKeys(database, tables) : new Map<string, WrappedKey>();
	const unreadable: string[] = [];
	let count = 0;
	for await (const { id, data } of database.rows(tables.named('credentials_entity'), ['id', 'data'])) {
		throwIfAborted(signal);
		count += 1;
		if (!opens(String(data), encryptionKey, wrapped)) unreadable.push(String(id));
	}
	return { count, unreadable: unreadable.sort() };
}

function opens(data: string, encryptionKey: string, wrapped: ReadonlyMap<string, WrappedKey>): boolean {
	try {
		decryptCredential(data, encryptionKey, wrapped);
		return true;
	} catch {
		// Why is of no use to anybody, and an error of JSON.parse would quote what was decrypted.
		return false;
	}
}

async function readWrappedKeys(database: InstanceDatabase, tables: N8nTables): Promise<Map<string, WrappedKey>> {
	const keys = new Map<string, WrappedKey>();
	for await (const row of database.rows(tables.named('deployment_key'), ['id', 'type', 'value', 'algorithm'])) {
		if (row.type !== 'data_encryption') continue;
		keys.set(String(row.id), { id: String(row.id), value: String(row.value), algorithm: typeof row.algorithm === 'string' ? row.algorithm : null });
	}
	return keys;
}

async function readPackages(database: InstanceDatabase, tables: N8nTables): Promise<Inspection['communityPackages']> {
	const packages: Inspection['communityPackages'] = [];
	for await (const row of database.rows(tables.named('installed_packages'), ['packageName', 'installedVersion'])) {
		packages.push({ name: String(row.packageName), version: String(row.installedVersion) });
	}
	return packages.sort((a, b) => a.name.localeCompare(b.name));
}

/** @throws BackupError `N8N_KEY_WRONG` when there are credentials and the key opens none of them */
export function requireOpenCredentials({ credentials }: Pick<Inspection, 'credentials'>, keyFrom: string): void {
	if (credentials.count === 0 || credentials.unreadable.length < credentials.count) return;
	throw new BackupError(
		'N8N_KEY_WRONG',
		`The encryption key (${keyFrom}) opens none of the ${credentials.count} credentials of this n8n: it is another instance's.`,
		'Name the data folder, or the N8N_ENCRYPTION_KEY, of the n8n that this database belongs to. A backup with the wrong key would be worth nothing.',
	);
}

/** @throws BackupError `PROOF_MISMATCH` naming what of a restored database differs from what was recorded when it was backed up */
export function requireEqual(actual: Inspection, expected: N8nDetails, what: string): void {
	const differences: string[] = [];
	for (const table of new Set([...Object.keys(expected.counts), ...Object.keys(actual.counts)])) {
		const [had, has] = [expected.counts[table], actual.counts[table]];
		if (had !== has) differences.push(`${table} has ${has ?? 'no'} rows instead of ${had ?? 'not being there'}`);
	}
	if (actual.migrations.newest !== expected.migrations.newest) differences.push(`its newest migration is ${actual.migrations.newest} instead of ${expected.migrations.newest}`);
	const lost = actual.credentials.unreadable.filter((id) => !expected.credentials.unreadable.includes(id));
	if (lost.length > 0) differences.push(`the key does not open ${lost.length} of ${actual.credentials.count} credentials that it opened before (${lost.slice(0, 5).join(', ')})`);
	if (differences.length === 0) return;
	throw new BackupError('PROOF_MISMATCH', `${what} is not what was backed up: ${differences.slice(0, 20).join('; ')}.`, 'Nothing live was changed. Use another backup, and make a new one now.');
}
