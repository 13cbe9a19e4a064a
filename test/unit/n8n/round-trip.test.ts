import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { findBackup } from '../../../lib/catalog/find-backup';
import type { ProgressEvent } from '../../../lib/core/progress';
import type { Manifest } from '../../../lib/catalog/manifest';
import { type BackupN8nOptions, backupN8n } from '../../../lib/n8n/backup-n8n';
import { exportWorkflows } from '../../../lib/n8n/export-workflows';
import type { RestoreN8nOptions } from '../../../lib/n8n/restore/options';
import { restoreN8n } from '../../../lib/n8n/restore/restore-n8n';
import type { Store } from '../../../lib/storage/store';
import { n8nDrill } from '../../../lib/verify/n8n-drill';
import { verifyIntegrity } from '../../../lib/verify/verify-integrity';
import { FaultyStore } from '../../support/faulty-store';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { contentsOf, encryptAsN8n, encryptAsNewN8n, makeSmallN8n, wrappingKey } from '../../support/small-n8n';

const PASSPHRASE = 'correct horse battery staple';
const KEYS = { encryption: { to: 'passphrase' as const, passphrase: PASSPHRASE }, decryption: { identities: [], passphrase: PASSPHRASE } };
const HISTORY = ['execution_entity', 'execution_data', 'something_of_an_execution', 'chat_hub_messages'];

let folder: string;
let source: string;
let target: string;
let store: Store;
let context: TestContext;

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'backup-recovery-small-n8n-'));
	source = join(folder, 'source');
	target = join(folder, 'target');
	store = new MemoryStore();
	context = await testContext({ keys: { encryption: null, decryption: null } });
});

afterEach(async () => {
	await context.remove();
	rmSync(folder, { recursive: true, force: true });
});

const options = (changes: Partial<BackupN8nOptions> = {}): BackupN8nOptions => ({
	name: 'n8n',
	dataFolder: source,
	encryptionKey: null,
	database: { type: 'sqlite', file: join(source, 'database.sqlite') },
	program: '',
	executions: false,
	binaryData: false,
	allowUnencrypted: true,
	compressionLevel: 1,
	lockWaitSeconds: 0,
	...changes,
});
const restoring = (changes: Partial<RestoreN8nOptions> = {}): RestoreN8nOptions => ({
	store, backup: { by: 'latest' }, dataFolder: target, databaseFile: 'database.sqlite', postgres: null, dryRun: false, confirmation: '', replaceKey: false, ...changes,
});
const backup = async (changes: Partial<BackupN8nOptions> = {}, in_: TestContext = context): Promise<Manifest> => await backupN8n(options(changes), store, in_);

test('an empty n8n gets every row but the history, the schema as it was, and the key', async () => {
	makeSmallN8n(source);
	const manifest = await backup();
	expect(manifest).toMatchObject({ component: 'n8n', kind: 'full', source: { type: 'n8n', name: 'n8n', database: 'sqlite' } });
	expect(manifest.n8n).toMatchObject({
		encryptionKey: true,
		executions: false,
		tablePrefix: '',
		migrations: { count: 2, newest: 'AddThings2' },
		credentials: { count: 3, unreadable: [] },
		communityPackages: [{ name: 'n8n-nodes-backup-recovery', version: '0.1.0' }],
		counts: { workflow_entity: 3, credentials_entity: 3, execution_entity: 0, execution_data: 0, something_of_an_execution: 0, chat_hub_messages: 50, 'data_table_user_x"y': 2 },
	});
	expect(manifest.warnings).toEqual([expect.stringContaining('not encrypted')]);

	const result = await restoreN8n(restoring(), context);
	expect(result).toMatchObject({ dryRun: false, kept: [], database: join(target, 'database.sqlite') });
	expect(contentsOf(join(target, 'database.sqlite'), HISTORY)).toEqual(contentsOf(join(source, 'database.sqlite'), HISTORY));
	expect(contentsOf(join(target, 'database.sqlite')).chat_hub_messages).toContainEqual({ id: 'm0', executionId: null, content: 'hello' });
	expect(JSON.parse(readFileSync(join(target, 'config'), 'utf8'))).toEqual({ encryptionKey: 'the-key-of-this-n8n', tunnelSubdomain: 'x' });
	expect(statSync(join(target, 'config')).mode & 0o777).toBe(0o600);
	expect(readdirSync(target).sort()).toEqual(['config', 'database.sqlite']);
});

test('with executions every table is equal; with a prefix they are found; files of binary data come back', async () => {
	makeSmallN8n(source, { prefix: 'team_' });
	mkdirSync(join(source, 'storage', 'workflows', 'w0'), { recursive: true });
	writeFileSync(join(source, 'storage', 'workflows', 'w0', 'data'), 'binary');
	const manifest = await backup({ executions: true, binaryData: true });
	expect(manifest.n8n).toMatchObject({ tablePrefix: 'team_', binaryFiles: 1, executions: true });
	await restoreN8n(restoring(), context);
	expect(contentsOf(join(target, 'database.sqlite'))).toEqual(contentsOf(join(source, 'database.sqlite')));
	expect(readFileSync(join(target, 'storage', 'workflows', 'w0', 'data'), 'utf8')).toBe('binary');
});

test('the commands of RESTORE.txt make the data folder with stock tools', async () => {
	makeSmallN8n(source);
	const manifest = await backup();
	const at = join(folder, 'fetched');
	mkdirSync(at);
	for (const [key, { content }] of (store as MemoryStore).objects) if (key.includes(`/${manifest.id}/`)) writeFileSync(join(at, key.split('/').at(-1)!), content);
	const blocks = [...readFileSync(join(at, 'RESTORE.txt'), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);
	execFileSync('sh', ['-e', '-c', blocks.slice(0, 2).join('')], { cwd: at, env: { ...process.env, N8N_USER_FOLDER: at }, stdio: 'pipe' });
	expect(contentsOf(join(at, '.n8n', 'database.sqlite'), HISTORY)).toEqual(contentsOf(join(source, 'database.sqlite'), HISTORY));
	expect(JSON.parse(readFileSync(join(at, '.n8n', 'config'), 'utf8'))).toMatchObject({ encryptionKey: 'the-key-of-this-n8n' });
	expect(statSync(join(at, '.n8n', 'config')).mode & 0o777).toBe(0o600);
});

test('wherever the store fails, nothing is published and no copy stays behind', async () => {
	makeSmallN8n(source);
	const counting = new FaultyStore(new MemoryStore());
	await backupN8n(options(), counting, context);
	const puts = counting.calls.flatMap((call, i) => (/^put backups/.test(call) ? [i + 1] : []));
	expect(puts.length).toBeGreaterThan(3);
	for (const position of puts) {
		const inner = new MemoryStore();
		await failure(backupN8n(options(), new FaultyStore(inner, { position, mode: 'midway' }), context));
		expect([...inner.objects.keys()].filter((key) => key.startsWith('backups/'))).toEqual([]);
		expect(readdirSync(context.workFolder)).toEqual([]);
	}
});

test('without a key to encrypt with, nothing is written and the error says what to do', async () => {
	makeSmallN8n(source);
	const error = await failure(backup({ allowUnencrypted: false }));
	expect(error).toMatchObject({ code: 'ENCRYPTION_REQUIRED', hint: expect.stringContaining('Backup Encryption') as string });
});

test('encrypted: no secret is in the store, and neither key nor database comes out with the wrong passphrase', async () => {
	makeSmallN8n(source);
	const encrypted = await testContext({ keys: KEYS });
	const manifest = await backup({ allowUnencrypted: false }, encrypted);
	expect(manifest.artifacts.filter(({ role }) => role !== 'instructions').every(({ name }) => name.endsWith('.age'))).toBe(true);
	expect(JSON.stringify(manifest)).not.toContain('the-key-of-this-n8n');
	const wrong = await testContext({ keys: { encryption: null, decryption: { identities: [], passphrase: 'something else 123' } } });
	await failure(restoreN8n(restoring(), wrong));
	await failure(restoreN8n(restoring(), context));
	expect(existsSync(target)).toBe(false);
	await restoreN8n(restoring(), encrypted);
	expect(existsSync(join(target, 'database.sqlite'))).toBe(true);
	await Promise.all([encrypted.remove(), wrong.remove()]);
});

describe('the encryption key', () => {
	test('of another instance fails the backup', async () => {
		makeSmallN8n(source);
		rmSync(join(source, 'config'));
		const error = await failure(backup({ encryptionKey: 'of-another-instance' }));
		expect(error.code).toBe('N8N_KEY_WRONG');
		expect(error.message).not.toContain('of-another-instance');
	});

	test('that differs between variable and file fails the backup, that is nowhere too', async () => {
		makeSmallN8n(source);
		expect((await failure(backup({ encryptionKey: 'other' }))).code).toBe('N8N_KEY_WRONG');
		rmSync(join(source, 'config'));
		expect((await failure(backup())).code).toBe('N8N_KEY_MISSING');
		writeFileSync(join(source, 'config'), 'encryptionKey=the-key-of-this-n8n');
		const error = await failure(backup());
		expect(error.code).toBe('INVALID_INPUT');
		expect(`${error.message} ${error.hint}`).not.toContain('the-key-of-this-n8n');
	});

	test('from the variable alone is put into the backup', async () => {
		const { key } = makeSmallN8n(source);
		rmSync(join(source, 'config'));
		await backup({ encryptionKey: key });
		await restoreN8n(restoring(), context);
		expect(JSON.parse(readFileSync(join(target, 'config'), 'utf8'))).toEqual({ encryptionKey: key });
	});

	test('opens what n8n encrypted with keys of its own; credentials lost before are named and do not fail later checks', async () => {
		const { database, key } = makeSmallN8n(source);
		const dataKey = 'ab'.repeat(32);
		const open = new DatabaseSync(database);
		open.prepare(`INSERT INTO deployment_key VALUES ('k-1', 'data_encryption', ?, 'aes-256-gcm', 'active')`).run(encryptAsNewN8n(dataKey, wrappingKey(key)));
		open.prepare(`INSERT INTO credentials_entity VALUES ('new', 'New', ?, 'x')`).run(`k-1:${encryptAsNewN8n('{"a":1}', dataKey)}`);
		open.prepare(`INSERT INTO credentials_entity VALUES ('lost', 'Lost', ?, 'x')`).run(encryptAsN8n({ a: 1 }, 'an older key'));
		open.close();
		const manifest = await backup();
		expect(manifest.n8n?.credentials).toEqual({ count: 5, unreadable: ['lost'] });
		expect(manifest.warnings).toContainEqual(expect.stringContaining('lost'));
		const drill = await n8nDrill({ store, backup: { by: 'latest' }, connection: null, parallelJobs: 1 }, context);
		expect(drill).toMatchObject({ level: 'restore', passed: true });
	});
});

describe('verification', () => {
	test('structure and drill pass, and leave nothing in the work folder', async () => {
		makeSmallN8n(source);
		await backup();
		expect(await verifyIntegrity({ store, component: 'n8n', backup: { by: 'latest' }, level: 'structure', clientFolder: '' }, context)).toMatchObject({ passed: true });
		const { backup: summary, detail } = await n8nDrill({ store, backup: { by: 'latest' }, connection: null, parallelJobs: 1 }, context);
		expect(summary.verified?.level).toBe('restore');
		expect(detail).toBe('3 workflows, 3 credentials (all open with the key), 1 users, 15 tables: as backed up.');
		expect(readdirSync(context.workFolder)).toEqual([]);
	});
});

describe('the live database', () => {
	test('that another process has locked gives a clear error', async () => {
		const { database } = makeSmallN8n(source);
		const holder = new DatabaseSync(database);
		holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
		const error = await failure(backup());
		holder.close();
		expect(error.code).toBe('DATABASE_IN_USE');
		await expect(findBackup(store, { component: 'n8n', choice: { by: 'latest' } })).rejects.toMatchObject({ code: 'BACKUP_NOT_FOUND' });
	}, 20_000);

	test.each([
		['is missing', 'DATABASE_NOT_FOUND', (file: string) => rmSync(file)],
		['is no database', 'ARTIFACT_DAMAGED', (file: string) => writeFileSync(file, 'x'.repeat(4096))],
		['is of something else', 'INVALID_INPUT', (file: string) => {
			rmSync(file);
			new DatabaseSync(file).exec('CREATE TABLE t (a)');
		}],
	])('that %s fails the backup', async (_name, code, wreck) => {
		const { database } = makeSmallN8n(source);
		wreck(database);
		expect((await failure(backup())).code).toBe(code);
		expect(readdirSync(context.workFolder)).toEqual([]);
	});

	test('a cancelled backup publishes nothing and leaves no copy', async () => {
		makeSmallN8n(source, { workflows: 3000, executions: 0 });
		const progress = (event: ProgressEvent) => {
			if (event.step.startsWith('Copying') && event.done === 4) context.abort();
		};
		expect((await failure(backupN8n(options(), store, { ...context, progress }))).code).toBe('CANCELLED');
		expect(await listed(store)).toEqual([]);
		expect(readdirSync(context.workFolder)).toEqual([]);
	});
});

describe('restoring over an n8n that is there', () => {
	beforeEach(async () => {
		makeSmallN8n(source);
		await backup();
		makeSmallN8n(target, { workflows: 9 });
	});
	const databases = () => readdirSync(target).filter((name) => !name.endsWith('-wal') && !name.endsWith('-shm')).sort();

	test('needs the folder typed; then keeps the old database', async () => {
		const before = contentsOf(join(target, 'database.sqlite'));
		expect((await failure(restoreN8n(restoring(), context))).code).toBe('NOT_CONFIRMED');
		expect((await failure(restoreN8n(restoring({ confirmation: '/elsewhere' }), context))).code).toBe('NOT_CONFIRMED');
		expect(databases()).toEqual(['config', 'database.sqlite']);
		const { kept } = await restoreN8n(restoring({ confirmation: target }), context);
		expect(kept).toEqual([expect.stringMatching(/database\.sqlite\.before-\d{8}T\d{6}Z$/)]);
		expect(contentsOf(kept[0]!)).toEqual(before);
		expect(contentsOf(join(target, 'database.sqlite')).workflow_entity).toHaveLength(3);
	});

	test('a dry run changes nothing and shows the plan', async () => {
		const { plan, checks } = await restoreN8n(restoring({ dryRun: true }), context);
		expect(plan.join('\n')).toContain('Set ');
		expect(checks).toContainEqual(expect.objectContaining({ check: 'Confirmation', state: 'failed' }));
		expect(databases()).toEqual(['config', 'database.sqlite']);
	});

	test('refuses while it is running', async () => {
		const running = new DatabaseSync(join(target, 'database.sqlite'));
		running.prepare('SELECT count(*) FROM workflow_entity').get();
		const error = await failure(restoreN8n(restoring({ confirmation: target }), context));
		running.close();
		expect(error.code).toBe('DATABASE_IN_USE');
		expect(databases()).toEqual(['config', 'database.sqlite']);
	});

	test('refuses another key unless told to replace it, and then keeps the old file', async () => {
		writeFileSync(join(target, 'config'), JSON.stringify({ encryptionKey: 'another' }));
		expect((await failure(restoreN8n(restoring({ confirmation: target }), context))).code).toBe('N8N_KEY_WRONG');
		const { kept } = await restoreN8n(restoring({ confirmation: target, replaceKey: true }), context);
		expect(kept).toHaveLength(2);
		expect(JSON.parse(readFileSync(kept[1]!, 'utf8'))).toEqual({ encryptionKey: 'another' });
	});

	test('refuses an older n8n', async () => {
		rmSync(target, { recursive: true });
		makeSmallN8n(target, { migrations: ['Initial1'] });
		expect((await failure(restoreN8n(restoring({ confirmation: target }), context))).code).toBe('SERVER_VERSION');
	});

	test('a damaged backup is refused before anything is touched', async () => {
		const { manifest } = await findBackup(store, { component: 'n8n', choice: { by: 'latest' } });
		const stored = (store as MemoryStore).objects.get(`backups/n8n/${manifest.id}/database.sqlite.zst`)!.content;
		stored[Math.floor(stored.length / 2)]! ^= 1;
		expect((await failure(restoreN8n(restoring({ confirmation: target }), context))).code).toBe('ARTIFACT_DAMAGED');
		expect(databases()).toEqual(['config', 'database.sqlite']);
	});
});

async function listed(of: Store): Promise<string[]> {
	const keys: string[] = [];
	for await (const { key } of of.list('backups/')) keys.push(key);
	return keys;
}

test('workflows come out as files for n8n to import, chosen by id or name, never outside the folder', async () => {
	makeSmallN8n(source);
	await backup();
	const to = join(folder, 'files');
	mkdirSync(to);
	const { workflows } = await exportWorkflows({ store, backup: { by: 'latest' }, folder: to, workflows: ['w1', 'Workflow 2/../é'] }, context);
	expect(readdirSync(to).sort()).toEqual(['Workflow-1.w1.json', 'Workflow-2.w2.json']);
	expect(JSON.parse(readFileSync(workflows[0]!.file, 'utf8'))).toMatchObject({ id: 'w1', active: false, nodes: [{ name: 'Start', i: 1 }], connections: {} });
	expect((await failure(exportWorkflows({ store, backup: { by: 'latest' }, folder: to, workflows: ['w0', 'nobody'] }, context))).message).toContain('"nobody"');
	expect(readdirSync(to)).toHaveLength(2);
	expect((await failure(exportWorkflows({ store, backup: { by: 'latest' }, folder: to, workflows: ['w1'] }, context))).message).toContain('already exists');
});
