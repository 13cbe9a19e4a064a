import { createCipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Encrypts as n8n does: https://www.openssl.org/docs/man3.0/man1/openssl-enc.html with EVP_BytesToKey and MD5. */
export function encryptAsN8n(value: unknown, key: string): string {
	const salt = randomBytes(8);
	const password = Buffer.concat([Buffer.from(key, 'binary'), salt]);
	const first = md5(password);
	const second = md5(first, password);
	const cipher = createCipheriv('aes-256-cbc', Buffer.concat([first, second]), md5(second, password));
	return Buffer.concat([Buffer.from('Salted__'), salt, cipher.update(JSON.stringify(value)), cipher.final()]).toString('base64');
}

/** Encrypts as n8n does since it can rotate keys. */
export function encryptAsNewN8n(text: string, keyHex: string): string {
	const salt = randomBytes(32);
	const derived = Buffer.from(hkdfSync('sha256', Buffer.from(keyHex, 'hex'), salt, 'n8n-encryption-v1', 44));
	const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32));
	const body = Buffer.concat([cipher.update(text), cipher.final()]);
	return Buffer.concat([Buffer.from([1]), salt, cipher.getAuthTag(), body]).toString('base64');
}

export function wrappingKey(instanceKey: string): string {
	return createHash('sha256').update(instanceKey).digest('hex');
}

function md5(...parts: Buffer[]): Buffer {
	return createHash('md5').update(Buffer.concat(parts)).digest();
}

export interface SmallN8nOptions {
	readonly key?: string;
	readonly prefix?: string;
	readonly workflows?: number;
	readonly executions?: number;
	readonly migrations?: readonly string[];
}

/** A data folder as of an n8n on SQLite, with the tables that matter and a few of n8n's peculiarities; opened by nobody. */
export function makeSmallN8n(dataFolder: string, options: SmallN8nOptions = {}): { database: string; key: string } {
	const { key = 'the-key-of-this-n8n', prefix: p = '', workflows = 3, executions = 50, migrations = ['Initial1', 'AddThings2'] } = options;
	mkdirSync(dataFolder, { recursive: true });
	writeFileSync(join(dataFolder, 'config'), JSON.stringify({ encryptionKey: key, tunnelSubdomain: 'x' }), { mode: 0o600 });
	const file = join(dataFolder, 'database.sqlite');
	const database = new DatabaseSync(file, { enableDoubleQuotedStringLiterals: true });
	database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN;
		CREATE TABLE "${p}migrations" (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, timestamp bigint NOT NULL, name varchar NOT NULL);
		CREATE TABLE "${p}settings" (key text PRIMARY KEY, value text NOT NULL, "loadOnStartup" boolean DEFAULT (false));
		CREATE TABLE "${p}user" (id varchar PRIMARY KEY, email varchar, password varchar, settings text DEFAULT "{}");
		CREATE TABLE "${p}workflow_entity" (id varchar(36) PRIMARY KEY NOT NULL, name varchar NOT NULL, active boolean, nodes text, connections text, settings text, "staticData" text, "pinData" text, meta text);
		CREATE TABLE "${p}credentials_entity" (id varchar(36) PRIMARY KEY NOT NULL, name varchar NOT NULL, data text NOT NULL, type varchar);
		CREATE TABLE "${p}variables" (id varchar PRIMARY KEY, key text, value text);
		CREATE TABLE "${p}tag_entity" (id varchar PRIMARY KEY, name varchar);
		CREATE TABLE "${p}deployment_key" (id varchar PRIMARY KEY, type varchar, value text, algorithm varchar, status varchar);
		CREATE TABLE "${p}installed_packages" ("packageName" char PRIMARY KEY, "installedVersion" char);
		CREATE TABLE "${p}execution_entity" (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, "workflowId" varchar, status varchar);
		CREATE TABLE "${p}execution_data" ("executionId" integer PRIMARY KEY NOT NULL, data text, FOREIGN KEY ("executionId") REFERENCES "${p}execution_entity" (id) ON DELETE CASCADE);
		CREATE TABLE "${p}chat_hub_messages" (id varchar PRIMARY KEY, "executionId" integer REFERENCES "${p}execution_entity" (id) ON DELETE SET NULL, content text);
		CREATE TABLE "${p}something_of_an_execution" (id varchar PRIMARY KEY, "executionId" integer NOT NULL REFERENCES "${p}execution_entity" (id) ON DELETE CASCADE);
		CREATE TABLE "${p}without_rowid" (a text, b text, PRIMARY KEY (a, b)) WITHOUT ROWID;
		CREATE TABLE "data_table_user_x""y" (id integer PRIMARY KEY, "Straße" text, computed text GENERATED ALWAYS AS (upper("Straße")) VIRTUAL);
		CREATE INDEX "${p}IDX_name" ON "${p}workflow_entity" (name);
		CREATE VIEW "${p}names" AS SELECT name FROM "${p}workflow_entity";
		CREATE TRIGGER "${p}on_tag" AFTER INSERT ON "${p}tag_entity" BEGIN UPDATE "${p}settings" SET value = value || '!' WHERE key = 'tags'; END;
		INSERT INTO "${p}settings" (key, value) VALUES ('tags', 'new');
		INSERT INTO "${p}tag_entity" VALUES ('t1', 'urgent'), ('t2', 'later');
		INSERT INTO "${p}user" (id, email, password) VALUES ('u1', 'owner@example.com', '$2a$10$hash');
		INSERT INTO "${p}variables" VALUES ('v1', 'city', 'São Paulo');
		INSERT INTO "${p}without_rowid" VALUES ('a', 'b'), ('c', 'd');
		INSERT INTO "data_table_user_x""y" (id, "Straße") VALUES (-5, 'ganz'), (7, 'weit');
		INSERT INTO "${p}installed_packages" VALUES ('n8n-nodes-backup-recovery', '0.1.0');`);
	migrations.forEach((name, i) => database.prepare(`INSERT INTO "${p}migrations" (timestamp, name) VALUES (?, ?)`).run(1000 + i, name));
	for (let i = 0; i < workflows; i++) {
		database.prepare(`INSERT INTO "${p}workflow_entity" (id, name, active, nodes, connections) VALUES (?, ?, 1, ?, '{}')`).run(`w${i}`, `Workflow ${i}/../é`, JSON.stringify([{ name: 'Start', i }]));
		database.prepare(`INSERT INTO "${p}credentials_entity" VALUES (?, ?, ?, 'httpHeaderAuth')`).run(`c${i}`, `Credential ${i}`, encryptAsN8n({ name: 'X-Key', value: `secret-${i}` }, key));
	}
	for (let i = 0; i < executions; i++) {
		const { lastInsertRowid } = database.prepare(`INSERT INTO "${p}execution_entity" ("workflowId", status) VALUES ('w0', 'success')`).run();
		database.prepare(`INSERT INTO "${p}execution_data" VALUES (?, ?)`).run(lastInsertRowid, 'x'.repeat(200));
		database.prepare(`INSERT INTO "${p}chat_hub_messages" VALUES (?, ?, 'hello')`).run(`m${i}`, lastInsertRowid);
		database.prepare(`INSERT INTO "${p}something_of_an_execution" VALUES (?, ?)`).run(`s${i}`, lastInsertRowid);
	}
	database.exec('COMMIT');
	database.close();
	return { database: file, key };
}

/** All rows of all tables but those named, for comparing. */
export function contentsOf(file: string, without: readonly string[] = []): Record<string, unknown[]> {
	const database = new DatabaseSync(file, { readOnly: true });
	const names = (database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all() as Array<{ name: string }>).map(({ name }) => name).filter((name) => !without.includes(name) && !name.startsWith('sqlite_stat'));
	const contents = Object.fromEntries(names.map((name) => [name, database.prepare(`SELECT * FROM "${name.replaceAll('"', '""')}" ORDER BY 1`).all().map((row) => ({ ...row }))]));
	contents['(schema)'] = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all().map((row) => ({ ...row }));
	database.close();
	return contents;
}
