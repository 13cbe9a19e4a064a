import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { main } from '../../../cli/main';

const workerModule = join(__dirname, '../../support/workers/echo.js');
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cli-test-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function command(args: string[], options: { stdin?: string; environment?: NodeJS.ProcessEnv } = {}) {
	const sink = () => {
		const stream = new PassThrough();
		const chunks: Buffer[] = [];
		stream.on('data', (chunk: Buffer) => chunks.push(chunk));
		return { stream: stream as unknown as NodeJS.WriteStream, text: () => Buffer.concat(chunks).toString() };
	};
	const stdout = sink();
	const stderr = sink();
	const code = await main(args, {
		environment: options.environment ?? {},
		stdin: Readable.from([options.stdin ?? '']),
		stdout: stdout.stream,
		stderr: stderr.stream,
		signal: new AbortController().signal,
		workerModule,
	});
	return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** Runs a command against a worker that sends the job back as an error's message, and yields that job. */
async function jobOf(args: string[], options: { stdin?: string; environment?: NodeJS.ProcessEnv } = {}) {
	const { stdout } = await command([...args, '--json'], options);
	return JSON.parse(JSON.parse(stdout).error.message);
}

test('shows the commands, and fails without one', async () => {
	expect(await command(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('restore') });
	expect(await command([])).toMatchObject({ code: 2 });
	expect(await command(['destroy'])).toMatchObject({ code: 2, stderr: expect.stringContaining('There is no command "destroy"') });
});

test.each([
	[['list'], '--store is missing'],
	[['list', '--store', '/x', '--limit', 'many'], '--limit takes a whole number'],
	[['list', '--store', '/x', '--component', 'mysql'], '--component takes one of'],
	[['list', '--password', 'x'], "Unknown option '--password'"],
	[['restore', '--store', '/x'], '--database is missing'],
	[['run'], 'Name one job file'],
	[['forget-series', '--store', '/x', '--component', 'postgres'], '--source is missing'],
	[['forget-series', '--store', '/x', '--source', 'crm'], '--component is missing'],
	[['forget-series', '--store', '/x', '--component', 'postgres', '--source', 'crm', '--kind', 'daily'], '--kind takes one of'],
	[['forget-schedule', '--store', '/x'], '--id is missing'],
	[['copy', '--store', '/x'], '--to is missing'],
	[['copy', '--store', '/x', '--to', '/y', '--backup', 'latest', '--recovery-point', 'latest'], 'not both'],
	[['record-point', '--store', '/x', '--member', '20261122T020000Z-full-a1b2c3'], '--member takes COMPONENT/ID'],
	[['cross-check', '--database', 'crm', '--sql-file', __filename], 'Give either --folder'],
	[['cross-check', '--database', 'crm', '--sql-file', '/nowhere.sql', '--folder', '/x'], 'cannot be read'],
	[['run', '/nowhere/job.json'], 'cannot be read'],
])('%j is a usage error with exit code 2', async (args, message) => {
	expect(await command(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
});

// 1 and 2 would be read as warning and critical.
test.each([
	[['check', '--store', '/x'], /^INTERNAL: /],
	[['check', '--store', '/x', '--hours', 'postgres=6'], /--hours takes/],
	[['check', '--store', '/x', '--component', 'mysql'], /--component takes one of/],
	[['check', '--store', '/x', '--require', 'mysql'], /--require takes one of/],
])('%j cannot tell, and exits with 3', async (args, message) => {
	expect(await command(args)).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(message) });
});

test('what is gone for good is named exactly', async () => {
	expect(await jobOf(['forget-series', '--store', folder, '--component', 'redis', '--source', 'old', '--kind', 'full'])).toEqual({ kind: 'catalog.forgetSeries', store: expect.anything(), component: 'redis', source: 'old', backupKind: 'full' });
	expect(await jobOf(['forget-series', '--store', folder, '--component', 'redis', '--source', 'old'])).toMatchObject({ backupKind: null });
	expect(await jobOf(['forget-schedule', '--store', folder, '--id', 'w1'])).toMatchObject({ kind: 'catalog.forgetSchedule', id: 'w1' });
});

test('a failed job exits with 1 and says what, and what next', async () => {
	const { code, stderr } = await command(['list', '--store', '/x']);
	expect(code).toBe(1);
	expect(stderr).toMatch(/^INTERNAL: .*\nlook at the job/);
});

test('restore is beside the live database unless told otherwise, and destroys nothing by default', async () => {
	const job = await jobOf(['restore', '--store', '/backups', '--database', 'crm', '--host', 'db', '--backup', 'latest-verified', '--source', 'crm']);
	expect(job).toMatchObject({
		kind: 'postgres.restoreDatabase',
		store: { type: 'folder', path: '/backups' },
		connection: { host: 'db', port: 5432 },
		backup: { by: 'latestVerified', source: 'crm' },
		target: { mode: 'new', database: 'crm' },
		confirmation: '',
		allowN8nDatabase: false,
	});
});

test('copies everything missing, one backup, or a recovery point', async () => {
	const base = ['copy', '--store', '/backups', '--to', '/mnt/second', '--to-prefix', 'crm'];
	expect(await jobOf([...base, '--component', 'redis', '--within-days', '7', '--recheck'])).toMatchObject({
		kind: 'catalog.copy',
		store: { type: 'folder', path: '/backups', prefix: '' },
		target: { type: 'folder', path: '/mnt/second', prefix: 'crm' },
		selection: { what: 'missing', component: 'redis', withinDays: 7 },
		recheck: true,
	});
	expect(await jobOf([...base, '--backup', 'latest-verified', '--source', 'crm'])).toMatchObject({ selection: { what: 'backup', component: 'postgres', backup: { by: 'latestVerified', source: 'crm' } } });
	expect(await jobOf([...base, '--recovery-point', 'latest-complete'])).toMatchObject({ selection: { what: 'recoveryPoint', recoveryPoint: { by: 'latestComplete' } } });
});

test('records and lists recovery points', async () => {
	const id = '20261122T020000Z-full-a1b2c3';
	const args = ['record-point', '--store', '/backups', '--since', '2026-11-22T02:00:00Z', '--member', `postgres/${id}`, '--expect', 'redis', '--expect', 'files', '--fail-when-incomplete'];
	expect(await jobOf(args)).toMatchObject({ kind: 'recovery.record', since: '2026-11-22T02:00:00Z', members: [{ component: 'postgres', id }], expected: ['redis', 'files'], failWhenIncomplete: true });
	expect(await jobOf(['recovery-points', '--store', '/backups', '--limit', '3'])).toMatchObject({ kind: 'recovery.list', limit: 3 });
	expect(await jobOf(['recoveries', '--store', '/backups', '--open'])).toMatchObject({ kind: 'recovery.read', open: true, limit: 5 });
});

test('cross-checks with a folder or with a backup', async () => {
	const query = join(folder, 'query.sql');
	writeFileSync(query, 'SELECT path FROM attachments');
	const base = ['cross-check', '--database', 'crm', '--sql-file', query];
	expect(await jobOf([...base, '--folder', '/app/uploads', '--strip-prefix', '/uploads/', '--ignore', '*.tmp', '--lists', '/tmp', '--fail-when-different'])).toMatchObject({
		kind: 'recovery.crossCheck',
		sql: 'SELECT path FROM attachments',
		files: { by: 'folder', folder: '/app/uploads' },
		stripPrefix: '/uploads/',
		ignore: ['*.tmp'],
		listsFolder: '/tmp',
		failWhenDifferent: true,
	});
	expect(await jobOf([...base, '--store', '/backups', '--backup', 'latest'])).toMatchObject({ files: { by: 'backup', component: 'files', store: { path: '/backups' } }, listsFolder: null });
});

test('compares a live database with a recovered one, whose password is the same', async () => {
	const args = ['compare-databases', '--database', 'crm', '--host', 'db', '--port', '6000', '--recovered-host', '/recovery/socket', '--recovered-user', 'postgres', '--count-only'];
	expect(await jobOf(args, { environment: { PGPASSWORD: 'sesame' } })).toMatchObject({
		kind: 'postgres.compareDatabases',
		live: { connection: { host: 'db', port: 6000, password: 'sesame' }, database: 'crm' },
		recovered: { connection: { host: '/recovery/socket', port: 5432, user: 'postgres', password: 'sesame' }, database: 'crm' },
		fingerprint: false,
	});
});

test('takes the password from a file, standard input or PGPASSWORD', async () => {
	const file = join(folder, 'password');
	writeFileSync(file, 'from file\n', { mode: 0o600 });
	const args = ['undo-swap', '--database', 'crm'];
	expect(await jobOf([...args, '--password-file', file])).toMatchObject({ connection: { password: 'from file' } });
	expect(await jobOf([...args, '--password-stdin'], { stdin: 'from stdin\n' })).toMatchObject({ connection: { password: 'from stdin' } });
	expect(await jobOf(args, { environment: { PGPASSWORD: 'from variable', PGHOST: 'db', PGPORT: '6000' } })).toMatchObject({
		connection: { password: 'from variable', host: 'db', port: 6000 },
	});
	chmodSync(file, 0o644);
	expect((await command([...args, '--password-file', file])).stderr).toContain('can be read by other users');
});

test('run fills in secrets that the job file only names', async () => {
	const file = join(folder, 'job.json');
	const job = { kind: 'postgres.listDatabases', connection: { host: 'db', user: 'u', password: { fromEnvironment: 'DB_PASSWORD' } } };
	writeFileSync(file, JSON.stringify(job));
	expect(await jobOf(['run', file], { environment: { DB_PASSWORD: 'sesame' } })).toMatchObject({ connection: { password: 'sesame' } });
	expect(await jobOf(['run', '-'], { stdin: JSON.stringify(job), environment: { DB_PASSWORD: 'sesame' } })).toMatchObject({ connection: { host: 'db' } });
	expect(await command(['run', file])).toMatchObject({ code: 2, stderr: expect.stringContaining('DB_PASSWORD, which is not set') });
});

test('a hostile name cannot steer the terminal', async () => {
	const { stderr } = await command(['list', '--store', '/x', '--source', 'a\u001b[2Jb']);
	expect(stderr).not.toContain('\u001b');
});

describe('keys', () => {
	const identity = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`;
	const args = ['verify', '--store', '/x', '--backup', 'latest'];

	test('come from an identity file as age-keygen writes it', async () => {
		const file = join(folder, 'identity.txt');
		writeFileSync(file, `# created: today\n# public key: age1x\n${identity}\n`, { mode: 0o600 });
		expect(await jobOf([...args, '--identity-file', file])).toMatchObject({ decryption: { identities: [identity] } });
		const restore = ['restore', '--store', '/x', '--database', 'crm', '--identity-file', file];
		expect(await jobOf(restore)).toMatchObject({ decryption: { identities: [identity] } });
	});

	test('come from a passphrase file or the environment, and are null without any', async () => {
		const file = join(folder, 'passphrase');
		writeFileSync(file, 'six random words or more\n', { mode: 0o600 });
		expect(await jobOf([...args, '--passphrase-file', file])).toMatchObject({ decryption: { identities: [], passphrase: 'six random words or more' } });
		expect(await jobOf(args, { environment: { BACKUP_RECOVERY_IDENTITY: identity } })).toMatchObject({ decryption: { identities: [identity] } });
		expect(await jobOf(args, { environment: { BACKUP_RECOVERY_PASSPHRASE: 'words' } })).toMatchObject({ decryption: { passphrase: 'words' } });
		expect(await jobOf(args)).toMatchObject({ decryption: null });
	});

	test('a file that holds none is a usage error that does not repeat it', async () => {
		const file = join(folder, 'other');
		writeFileSync(file, 'not a key\n', { mode: 0o600 });
		const { code, stderr } = await command([...args, '--identity-file', file]);
		expect(code).toBe(2);
		expect(stderr).toContain('no identity of age');
		expect(stderr).not.toContain('not a key');
	});
});

describe('a store in S3', () => {
	const keys = { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'SESAME', AWS_REGION: 'eu-central-1' };

	test('has its place on the command line and its keys in the environment', async () => {
		const ca = join(folder, 'ca.pem');
		writeFileSync(ca, 'PEM');
		const args = ['list', '--store', 's3://crm-backups/production/', '--endpoint', 'https://s3.example.com', '--path-style', '--checksums', 'WHEN_REQUIRED', '--store-ca-file', ca];
		expect((await jobOf(args, { environment: keys })).store).toMatchObject({
			type: 's3',
			bucket: 'crm-backups',
			prefix: 'production',
			endpoint: 'https://s3.example.com',
			region: 'eu-central-1',
			forcePathStyle: true,
			checksums: 'WHEN_REQUIRED',
			ca: 'PEM',
			credentials: { from: 'keys', accessKeyId: 'KEY', secretAccessKey: 'SESAME' },
		});
		expect((await jobOf(['list', '--store', 's3://crm-backups', '--prefix', 'a/b', '--region', 'us-west-2'], { environment: keys })).store).toMatchObject({ prefix: 'a/b', region: 'us-west-2', endpoint: '' });
	});

	test('uses the role of the machine without keys', async () => {
		expect((await jobOf(['list', '--store', 's3://crm-backups'])).store).toMatchObject({ credentials: { from: 'role' }, region: 'us-east-1' });
		expect(await command(['list', '--store', 's3://crm-backups'], { environment: { AWS_ACCESS_KEY_ID: 'KEY' } })).toMatchObject({ code: 2, stderr: expect.stringContaining('must be set together') });
		expect(await command(['list', '--store', 's3:/crm-backups'])).toMatchObject({ code: 2, stderr: expect.stringContaining('s3://BUCKET/PREFIX') });
	});

	test('can be the target of a copy from another, with keys of its own', async () => {
		const environment = { ...keys, AWS_SESSION_TOKEN: 'of the first', TARGET_AWS_ACCESS_KEY_ID: 'OTHER', TARGET_AWS_SECRET_ACCESS_KEY: 'OTHER-SESAME' };
		const job = await jobOf(['copy', '--store', 's3://one', '--to', 's3://two/x', '--to-endpoint', 'https://other.example.com', '--to-path-style'], { environment });
		expect(job.store).toMatchObject({ bucket: 'one', endpoint: '', forcePathStyle: false, credentials: { accessKeyId: 'KEY', sessionToken: 'of the first' } });
		expect(job.target).toMatchObject({ bucket: 'two', prefix: 'x', endpoint: 'https://other.example.com', forcePathStyle: true, credentials: { accessKeyId: 'OTHER', secretAccessKey: 'OTHER-SESAME', sessionToken: '' } });
	});
});

test('check takes thresholds', async () => {
	expect(await jobOf(['check', '--store', folder, '--component', 'redis', '--hours', 'redis=1/2.5', '--require', 'redis', '--require', 'n8n', '--verified-within', '7'])).toMatchObject({
		requiredComponents: ['redis', 'n8n'],
		verifiedWithinDays: 7,
		kind: 'catalog.status',
		components: ['redis'],
		thresholds: [{ component: 'redis', okHours: 1, warningHours: 2.5 }],
	});
});

test('a break-glass kit goes beside the backups unless told otherwise, to the given public keys', async () => {
	const recipient = `age1${'q'.repeat(58)}`;
	expect(await jobOf(['break-glass-kit', '--store', '/backups', '--recipient', recipient])).toMatchObject({ kind: 'breakGlass.write', target: null, encryption: { to: 'recipients', recipients: [recipient] }, includeStoreKeys: false });
	expect(await jobOf(['break-glass-kit', '--store', '/backups', '--to', '/mnt/other', '--include-store-keys'])).toMatchObject({ target: { type: 'folder', path: '/mnt/other' }, encryption: null, includeStoreKeys: true });
});

test('a fence names its database twice, its lifting once', async () => {
	writeFileSync(join(folder, 'password'), 'secret');
	const server = ['--host', 'db', '--user', 'postgres', '--password-file', join(folder, 'password'), '--database', 'crm'];
	expect(await jobOf(['fence', ...server, '--confirm', 'crm'])).toMatchObject({ kind: 'postgres.fence', database: 'crm', action: 'fence', confirmation: 'crm', dryRun: false });
	expect(await jobOf(['fence', ...server, '--show'])).toMatchObject({ action: 'show', confirmation: '' });
	expect(await jobOf(['unfence', ...server])).toMatchObject({ action: 'lift', database: 'crm' });
});

test('what replacing writes into the store is encrypted to the recipients, else with the passphrase', async () => {
	const recipient = `age1${'q'.repeat(58)}`;
	const identity = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`;
	const file = (name: string, text: string) => {
		writeFileSync(join(folder, name), text, { mode: 0o600 });
		return join(folder, name);
	};
	const replace = ['replace-from-recovered', '--store', '/backups', '--recovered-host', '/srv/recovered/socket', '--database', 'crm', '--host', 'db', '--user', 'postgres', '--password-file', file('password', 'secret')];
	expect(await jobOf([...replace, '--recipient', recipient, '--identity-file', file('identity', identity)])).toMatchObject({ encryption: { to: 'recipients', recipients: [recipient] }, decryption: { identities: [identity] } });
	expect(await jobOf([...replace, '--passphrase-file', file('passphrase', 'six random words or so')])).toMatchObject({ encryption: { to: 'passphrase', passphrase: 'six random words or so' }, decryption: { passphrase: 'six random words or so' } });
	expect(await jobOf(replace)).toMatchObject({ encryption: null, decryption: null });
});
