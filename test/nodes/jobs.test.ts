import type { IDataObject, INodeParameters, INodeType } from 'n8n-workflow';
import { BackupCatalog } from '../../nodes/BackupCatalog/BackupCatalog.node';
import { PostgresDump } from '../../nodes/PostgresDump/PostgresDump.node';
import { RestoreBackup } from '../../nodes/RestoreBackup/RestoreBackup.node';
import { VerifyBackup } from '../../nodes/VerifyBackup/VerifyBackup.node';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import { fakeContext } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);

const ID = '20261122T020000Z-full-a1b2c3';
const hostile = 'we"ird; DROP TABLE x; --$1\n😀 \'db\'';
const connection = {
	host: 'db.example.com',
	port: 5433,
	user: 'backup',
	password: 'p@ss:w0rd "quoted"',
	database: 'postgres',
	tls: { mode: 'prefer', ca: '' },
	connectTimeoutSeconds: 15,
	clientFolder: '',
};
const store = { type: 'folder', path: '/backups', prefix: 'crm' };
const list = (value: string) => ({ __rl: true, mode: 'list', value });

const answers: Record<string, unknown> = {
	'catalog.list': { backups: [] },
	'catalog.copy': { copies: [] },
	'catalog.pruneWal': { applied: false, servers: [], deleted: 0, freedBytes: 0, hold: null },
	'catalog.copyWal': { servers: [], copied: 0 },
	'verify.continuity': { base: { id: ID }, warnings: ['late'] },
	'recovery.record': { recoveryPoint: {} },
	'recovery.list': { recoveryPoints: [] },
	'recovery.choose': { recoveryPoint: null, passedOver: [], mustBeNamed: false, explanation: '' },
	'catalog.log': { warnings: [] },
	'catalog.status': { components: [], hold: null, overdue: [] },
	'catalog.recordSuccess': { expected: {} },
	'catalog.recordStart': { started: {} },
	'catalog.missedRuns': { missed: [] },
	'alerts.checkStore': { messages: [] },
	'alerts.checkWorkflow': { messages: [] },
	'alerts.record': { open: [] },
	'catalog.dashboard': { html: '', state: 'OK', refreshSeconds: 60 },
	'catalog.monthlyReport': { subject: '', html: '', text: '', state: 'OK', failures: [] },
	'catalog.retentionHold': { hold: null, lifted: null },
	'catalog.forgetSeries': { forgottenRuns: [], forgotten: null },
	'catalog.forgetSchedule': { forgottenSchedule: 'x' },
	'breakGlass.write': { kit: {}, proof: {}, warnings: [] },
	'catalog.prune': { applied: false, decisions: [], deleted: [], freedBytes: 0, deletedRecoveryPoints: [], hold: null },
	'catalog.cleanUp': { applied: false, leftovers: [], freedBytes: 0 },
	'postgres.compareDatabases': { equal: true, tables: [] },
	'postgres.restoreDatabase': { dryRun: true, checks: [], warnings: [] },
};

beforeEach(() => {
	running.mockReset();
	running.mockImplementation(async (job) => (answers[job.kind] ?? { backup: { id: ID, warnings: [] } }) as never);
});

/** Runs the node once with the given parameters and yields the job it ran, checked as the runner checks it. */
async function jobOf(node: INodeType, parameters: Record<string, unknown>, options: { timeZone?: string; encryption?: IDataObject } = {}) {
	const { context } = fakeContext(node, { items: [parameters as INodeParameters], ...options });
	await node.execute?.call(context);
	expect(running).toHaveBeenCalledTimes(1);
	return checkJob(running.mock.calls[0]?.[0]);
}

/** The same for a further run within one test. */
async function nextJobOf(...parameters: Parameters<typeof jobOf>) {
	running.mockClear();
	return await jobOf(...parameters);
}

describe('archived WAL', () => {
	test('pruning plans unless told to apply', async () => {
		expect(await jobOf(new BackupCatalog(), { operation: 'pruneWal' })).toEqual({ kind: 'catalog.pruneWal', store, decryption: null, windowHours: 24, apply: false });
		expect(await nextJobOf(new BackupCatalog(), { operation: 'pruneWal', mode: 'apply', windowHours: 72, options: { systemIdentifier: ' 7100000000000000001 ' } })).toMatchObject({
			windowHours: 72,
			apply: true,
			systemIdentifier: '7100000000000000001',
		});
	});

	test('copying takes everything that is missing unless told otherwise', async () => {
		expect(await jobOf(new BackupCatalog(), { operation: 'copyWal' })).toMatchObject({ kind: 'catalog.copyWal', store, recheck: false, lockWaitSeconds: 600 });
		expect(await nextJobOf(new BackupCatalog(), { operation: 'copyWal', withinHours: 48, options: { recheck: true, lockWait: 1 } })).toMatchObject({ withinHours: 48, recheck: true, lockWaitSeconds: 60 });
	});

	test('continuity looks from the start of the window', async () => {
		expect(await jobOf(new VerifyBackup(), { operation: 'continuity' })).toMatchObject({ kind: 'verify.continuity', store, base: { by: 'window' }, timeline: null, level: 'records', windowHours: 24, maxAgeMinutes: 60 });
		const options = { timeline: 2, windowHours: 6, maxAgeMinutes: 5 };
		const base = '20261122T020000Z-base-a1b2c3';
		expect(await nextJobOf(new VerifyBackup(), { operation: 'continuity', baseChoice: 'id', base: list(base), continuityLevel: 'bytes', options })).toMatchObject({ base: { by: 'id', id: base }, level: 'bytes', ...options });
		expect(await nextJobOf(new VerifyBackup(), { operation: 'continuity', baseChoice: 'latest', options: { source: 'db:5432' } })).toMatchObject({ base: { by: 'latest', source: 'db:5432' } });
	});
});

describe('Postgres Dump', () => {
	const node = new PostgresDump();

	test('a database with everything left as it is', async () => {
		expect(await jobOf(node, { operation: 'database', database: list('crm') })).toEqual({
			kind: 'postgres.dumpDatabase',
			connection,
			store,
			database: 'crm',
			format: 'custom',
			parallelJobs: 1,
			includeSchemas: [],
			excludeSchemas: [],
			includeTables: [],
			excludeTables: [],
			fingerprint: false,
			safety: false,
			compressionLevel: 1,
			lockWaitSeconds: 0,
			encryption: null,
		});
	});

	test('a database with every option, and names that hold anything', async () => {
		const job = await jobOf(node, {
			operation: 'database',
			database: { __rl: true, mode: 'name', value: hostile },
			selection: {
				includeSchemas: ['public', hostile],
				excludeSchemas: ['audit'],
				includeTables: [JSON.stringify([hostile, 'a.b'])],
				excludeTables: ['public.logs', { schema: 'public', name: 'user sessions' }],
			},
			options: { format: 'directory', parallelJobs: 4, compressionLevel: 3, fingerprint: true, safety: true, note: 'before v4', lockWait: 30 },
		});
		expect(job).toMatchObject({
			database: hostile,
			format: 'directory',
			parallelJobs: 4,
			includeSchemas: ['public', hostile],
			excludeSchemas: ['audit'],
			includeTables: [{ schema: hostile, name: 'a.b' }],
			excludeTables: [
				{ schema: 'public', name: 'logs' },
				{ schema: 'public', name: 'user sessions' },
			],
			fingerprint: true,
			safety: true,
			compressionLevel: 3,
			note: 'before v4',
			lockWaitSeconds: 1800,
		});
	});

	test('globals', async () => {
		expect(await jobOf(node, { operation: 'globals', options: { rolePasswords: false } })).toMatchObject({
			kind: 'postgres.dumpGlobals',
			connection,
			store,
			rolePasswords: false,
		});
	});

	test('changed rows of the last hours end now', async () => {
		jest.useFakeTimers({ now: new Date('2026-11-22T12:00:00Z'), doNotFake: ['nextTick', 'setImmediate'] });
		try {
			const job = await jobOf(node, {
				operation: 'changedRows',
				database: list('crm'),
				tables: ['["public","logs"]'],
				column: 'created_at',
				window: 'lastHours',
				hours: 6,
			});
			expect(job).toMatchObject({
				kind: 'postgres.extractChangedRows',
				tables: [{ schema: 'public', name: 'logs' }],
				column: 'created_at',
				from: '2026-11-22T06:00:00.000Z',
				to: '2026-11-22T12:00:00.000Z',
			});
		} finally {
			jest.useRealTimers();
		}
	});

	test('changed rows between two times, read in the time zone of the workflow unless they carry their own', async () => {
		const job = await jobOf(
			node,
			{
				operation: 'changedRows',
				database: list('crm'),
				tables: ['public.logs'],
				column: 'created_at',
				window: 'between',
				from: '2026-11-22T06:00:00',
				to: '2026-11-22T12:00:00+02:00',
			},
			{ timeZone: 'America/Sao_Paulo' },
		);
		expect(job).toMatchObject({ from: '2026-11-22T09:00:00.000Z', to: '2026-11-22T10:00:00.000Z' });
	});
});

describe('Restore Backup', () => {
	const node = new RestoreBackup();

	test('is a dry run of the latest verified backup of the target unless told otherwise', async () => {
		expect(await jobOf(node, { operation: 'postgresDatabase', targetDatabase: list('crm'), confirmation: 'crm' })).toEqual({
			kind: 'postgres.restoreDatabase',
			decryption: null,
			connection,
			store,
			dryRun: true,
			confirmation: '',
			backup: { by: 'latestVerified', source: 'crm' },
			target: { mode: 'swap', database: 'crm' },
			parallelJobs: 2,
			minimumVerification: 'none',
			globals: null,
			allowN8nDatabase: false,
			lockWaitSeconds: 0,
			keepClosed: false,
			unlessSwappedSince: null,
		});
	});

	test('passes on what was typed as confirmation once the dry run is off', async () => {
		const job = await jobOf(node, {
			operation: 'postgresDatabase',
			backupChoice: 'id',
			backup: list(ID),
			targetDatabase: list('crm'),
			dryRun: false,
			confirmation: 'crn',
			globalsChoice: 'latest',
			options: { parallelJobs: 4, minimumVerification: 'restore' },
		});
		expect(job).toMatchObject({
			dryRun: false,
			confirmation: 'crn',
			backup: { by: 'id', id: ID },
			globals: { by: 'latest' },
			parallelJobs: 4,
			minimumVerification: 'restore',
		});
	});

	test('into a new database, with roles from a chosen globals backup', async () => {
		const globals = '20261122T015900Z-globals-0a0b0c';
		const job = await jobOf(node, {
			operation: 'postgresDatabase',
			backupChoice: 'latest',
			source: hostile,
			targetMode: 'new',
			newDatabase: 'copy',
			globalsChoice: 'id',
			globalsBackup: { __rl: true, mode: 'id', value: ` ${globals} ` },
		});
		expect(job).toMatchObject({
			backup: { by: 'latest', source: hostile },
			target: { mode: 'new', database: 'copy' },
			globals: { by: 'id', id: globals },
		});
	});

	test('a fence needs the name typed, its lifting nothing', async () => {
		const fence = { operation: 'fence', database: list('crm') };
		expect(await jobOf(node, fence)).toEqual({ kind: 'postgres.fence', connection, database: 'crm', action: 'show', dryRun: false, confirmation: '', allowN8nDatabase: false });
		expect(await nextJobOf(node, { ...fence, fenceAction: 'fence', confirmation: 'crm' })).toMatchObject({ action: 'fence', dryRun: true, confirmation: '' });
		expect(await nextJobOf(node, { ...fence, fenceAction: 'fence', dryRun: false, confirmation: 'crm' })).toMatchObject({ dryRun: false, confirmation: 'crm' });
		expect(await nextJobOf(node, { ...fence, fenceAction: 'lift' })).toMatchObject({ action: 'lift', dryRun: false });
	});

	test('a swap for a runbook: closed, and not twice', async () => {
		const options = { keepClosed: true, unlessSwappedSince: '2026-11-22T04:00:00.000Z' };
		expect(await jobOf(node, { operation: 'postgresDatabase', targetDatabase: list('crm'), options })).toMatchObject(options);
	});

	test('undo swap and drop previous', async () => {
		expect(await jobOf(node, { operation: 'undoSwap', database: list('crm'), dryRun: false, confirmation: 'crm', options: { previous: 'crm_before_x' } })).toEqual({
			kind: 'postgres.undoSwap',
			connection,
			dryRun: false,
			confirmation: 'crm',
			database: 'crm',
			previous: 'crm_before_x',
			allowN8nDatabase: false,
		});
		running.mockClear();
		expect(await jobOf(node, { operation: 'dropPrevious', previousDatabase: list('crm_before_x') })).toEqual({
			kind: 'postgres.dropPrevious',
			connection,
			dryRun: true,
			confirmation: '',
			previous: 'crm_before_x',
		});
	});

	test('cannot be told to restore over the database of n8n', async () => {
		const job = await jobOf(node, { operation: 'postgresDatabase', targetDatabase: list('n8n'), dryRun: false, allowN8nDatabase: true });
		expect(job).toMatchObject({ allowN8nDatabase: false });
	});
});

describe('Verify Backup', () => {
	const node = new VerifyBackup();

	test('integrity', async () => {
		expect(await jobOf(node, { operation: 'integrity', level: 'checksum', options: { clientFolder: '/opt/pg/bin' } })).toEqual({
			kind: 'verify.integrity',
			store,
			decryption: null,
			component: 'postgres',
			backup: { by: 'latest' },
			level: 'checksum',
			clientFolder: '/opt/pg/bin',
		});
	});

	test('restore drill', async () => {
		const job = await jobOf(node, { operation: 'restoreDrill', backupChoice: 'id', backup: list(ID), createRoles: true });
		expect(job).toEqual({
			kind: 'verify.restoreDrill',
			assertions: '',
			assertionTimeoutSeconds: 300,
			httpCheck: '',
			store,
			connection,
			decryption: null,
			component: 'postgres',
			backup: { by: 'id', id: ID },
			parallelJobs: 2,
			globals: { by: 'latest' },
		});
	});
});

describe('encryption', () => {
	const recipient = `age1${'q'.repeat(58)}`;
	const second = `age1${'p'.repeat(58)}`;
	const identity = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`;
	const pair = { method: 'recipients', recipients: `# two keys\n${recipient}\n\n ${second} `, secretKeys: `# created: today\n${identity}\n` };

	test('a key pair encrypts to its public keys and decrypts with its identities', async () => {
		const dump = await jobOf(new PostgresDump(), { operation: 'database', database: list('crm') }, { encryption: pair });
		expect(dump).toMatchObject({ encryption: { to: 'recipients', recipients: [recipient, second] } });
		running.mockClear();
		expect(await jobOf(new VerifyBackup(), { operation: 'restoreDrill' }, { encryption: pair })).toMatchObject({ decryption: { identities: [identity] } });
		running.mockClear();
		const restore = { operation: 'postgresDatabase', targetDatabase: list('crm') };
		expect(await jobOf(new RestoreBackup(), restore, { encryption: pair })).toMatchObject({ decryption: { identities: [identity] } });
	});

	test('half a pair does half', async () => {
		expect(await jobOf(new PostgresDump(), { operation: 'globals' }, { encryption: { ...pair, recipients: '' } })).toMatchObject({ encryption: null, allowUnencrypted: false });
		running.mockClear();
		expect(await jobOf(new VerifyBackup(), { operation: 'integrity' }, { encryption: { ...pair, secretKeys: '' } })).toMatchObject({ decryption: null });
	});

	test('a passphrase does both', async () => {
		const encryption = { method: 'passphrase', passphrase: 'a long enough passphrase' };
		const dump = await jobOf(new PostgresDump(), { operation: 'globals', options: { allowUnencrypted: true } }, { encryption });
		expect(dump).toMatchObject({ encryption: { to: 'passphrase', passphrase: encryption.passphrase }, allowUnencrypted: true });
		running.mockClear();
		expect(await jobOf(new VerifyBackup(), { operation: 'integrity', component: 'config' }, { encryption })).toMatchObject({
			component: 'config',
			decryption: { identities: [], passphrase: encryption.passphrase },
		});
	});
});

describe('Compare Databases', () => {
	const node = new VerifyBackup();
	const compare = { operation: 'compareDatabases', database: list('crm') };

	test('with a server on a private socket', async () => {
		const recovered = { recoveredHost: '/recovery/crm/socket', recoveredPort: 6543, recoveredUser: 'postgres', compareContents: false };
		expect(await jobOf(node, { ...compare, ...recovered })).toEqual({
			kind: 'postgres.compareDatabases',
			live: { connection, database: 'crm' },
			recovered: { connection: { ...connection, host: '/recovery/crm/socket', port: 6543, user: 'postgres' }, database: 'crm' },
			fingerprint: false,
		});
	});

	test('with another database of the same server', async () => {
		expect(await jobOf(node, { ...compare, recoveredDatabase: hostile })).toMatchObject({
			live: { connection, database: 'crm' },
			recovered: { connection, database: hostile },
			fingerprint: true,
		});
	});
});

describe('Cross Check', () => {
	const node = new VerifyBackup();
	const check = { operation: 'crossCheck', database: list('crm'), sql: 'SELECT path FROM attachments' };

	test('with a folder', async () => {
		const options = { ignore: 'thumbnails/**, *.tmp', listsFolder: '/backups/reports', inside: 'avatars', urlDecode: true, listLimit: 5, statementTimeout: 9, failWhenDifferent: true };
		expect(await jobOf(node, { ...check, filesFolder: '/app/uploads', stripPrefix: '/uploads/', options })).toEqual({
			kind: 'recovery.crossCheck',
			connection,
			database: 'crm',
			sql: 'SELECT path FROM attachments',
			files: { by: 'folder', folder: '/app/uploads' },
			stripPrefix: '/uploads/',
			urlDecode: true,
			inside: 'avatars',
			ignore: ['thumbnails/**', '*.tmp'],
			listLimit: 5,
			listsFolder: '/backups/reports',
			statementTimeoutSeconds: 9,
			failWhenDifferent: true,
			decryption: null,
		});
	});

	test('with the index of a backup', async () => {
		expect(await jobOf(node, { ...check, compareWith: 'backup' })).toMatchObject({
			files: { by: 'backup', store, component: 'files', backup: { by: 'latest' } },
			listsFolder: null,
			failWhenDifferent: false,
		});
	});

	test('a folder that n8n keeps closed is refused before any job', async () => {
		const { context } = fakeContext(node, { items: [{ ...check, filesFolder: '/etc' }], blocked: true });
		await expect(node.execute.call(context)).rejects.toMatchObject({ description: expect.stringContaining('N8N_RESTRICT_FILE_ACCESS_TO') });
		expect(running).not.toHaveBeenCalled();
	});
});

describe('Backup Catalog', () => {
	const node = new BackupCatalog();

	test('list', async () => {
		expect(await jobOf(node, { operation: 'list', limit: 5, options: { source: 'crm', backupKind: 'full' } })).toEqual({
			kind: 'catalog.list',
			store,
			limit: 5,
			source: 'crm',
			backupKind: 'full',
		});
	});

	test('list of one component', async () => {
		expect(await jobOf(node, { operation: 'list', options: { component: 'files', backupKind: 'incremental' } })).toMatchObject({ component: 'files', backupKind: 'incremental' });
	});

	test('copy of everything missing, from one credential to the other', async () => {
		expect(await jobOf(node, { operation: 'copy' })).toEqual({
			kind: 'catalog.copy',
			store,
			target: { type: 'folder', path: '/mnt/second-disk', prefix: '' },
			selection: { what: 'missing' },
			recheck: false,
			lockWaitSeconds: 600,
		});
		running.mockClear();
		const options = { onlyComponent: 'redis', withinDays: 7, recheck: true, lockWait: 1 };
		expect(await jobOf(node, { operation: 'copy', options })).toMatchObject({ selection: { what: 'missing', component: 'redis', withinDays: 7 }, recheck: true, lockWaitSeconds: 60 });
	});

	test('copy of one backup, and of a recovery point', async () => {
		const one = { operation: 'copy', what: 'backup', component: 'files', backupChoice: 'id', backup: { __rl: true, mode: 'id', value: ID } };
		expect(await jobOf(node, one)).toMatchObject({ selection: { what: 'backup', component: 'files', backup: { by: 'id', id: ID } } });
		running.mockClear();
		expect(await jobOf(node, { operation: 'copy', what: 'recoveryPoint' })).toMatchObject({ selection: { what: 'recoveryPoint', recoveryPoint: { by: 'latest' } } });
		running.mockClear();
		const id = '20261122T020000Z-set-a1b2c3';
		expect(await jobOf(node, { operation: 'copy', what: 'recoveryPoint', recoveryPointChoice: 'id', recoveryPoint: id })).toMatchObject({ selection: { recoveryPoint: { by: 'id', id } } });
	});

	test('a recovery point of everything since a time, in the time zone of the workflow', async () => {
		const options = { since: '2026-11-22T02:00:00', expected: ['postgres', 'redis'], note: 'before v4' };
		const job = await jobOf(node, { operation: 'recordRecoveryPoint', recoveryPointName: 'Weekly', options }, { timeZone: 'America/Sao_Paulo' });
		expect(job).toEqual({
			kind: 'recovery.record',
			store,
			name: 'Weekly',
			note: 'before v4',
			members: [],
			failures: [],
			since: '2026-11-22T05:00:00.000Z',
			expected: ['postgres', 'redis'],
			failWhenIncomplete: true,
		});
	});

	test('the list of recovery points', async () => {
		expect(await jobOf(node, { operation: 'listRecoveryPoints', limit: 3 })).toEqual({ kind: 'recovery.list', store, limit: 3 });
	});

	test('the recovery point to restore', async () => {
		expect(await jobOf(node, { operation: 'chooseRecoveryPoint' })).toEqual({ kind: 'recovery.choose', store, named: null, needed: ['postgres'] });
	});

	test('the recovery point to restore, named, with what it must hold', async () => {
		const named = '20261122T020000Z-set-a1b2c3';
		expect(await jobOf(node, { operation: 'chooseRecoveryPoint', namedPoint: ` ${named} `, mustHold: 'postgres, files' })).toEqual({ kind: 'recovery.choose', store, named, needed: ['postgres', 'files'] });
	});

	test('a name that is no recovery point is refused before anything is run', async () => {
		await expect(jobOf(node, { operation: 'chooseRecoveryPoint', namedPoint: 'last night' })).rejects.toThrow(/"Recovery Point ID" is not the ID/);
		expect(running).not.toHaveBeenCalled();
	});

	test.each([
		['log', false],
		['rebuildLog', true],
	])('%s', async (operation, rebuild) => {
		const job = await jobOf(node, { operation, logDatabase: list('crm'), options: { schema: 'backup' } });
		expect(job).toEqual({ kind: 'catalog.log', store, connection, database: 'crm', schema: 'backup', rebuild });
	});

	test('status, with thresholds of its own', async () => {
		const thresholds = { threshold: [{ component: 'redis', okHours: 1, warningHours: 2.5 }] };
		const job = await jobOf(node, { operation: 'status', options: { components: ['redis'], thresholds } });
		expect(job).toEqual({ kind: 'catalog.status', store, components: ['redis'], thresholds: [{ component: 'redis', okHours: 1, warningHours: 2.5 }], holdOnAlarm: true, requiredComponents: [], verifiedWithinDays: 35 });
		expect(await nextJobOf(node, { operation: 'checkAlerts', alertSubject: 'store', options: { requiredComponents: ['redis', 'n8n'], verifiedWithinDays: 0 } })).toMatchObject({ kind: 'alerts.checkStore', components: [], requiredComponents: ['redis', 'n8n'], verifiedWithinDays: 0 });
	});

	test('what is gone for good is named exactly', async () => {
		const series = { operation: 'forgetSeries', forgetComponent: 'redis', forgetSource: hostile };
		expect(await jobOf(node, series)).toEqual({ kind: 'catalog.forgetSeries', store, component: 'redis', source: hostile, backupKind: null });
		expect(await nextJobOf(node, { ...series, forgetKind: 'incremental' })).toMatchObject({ backupKind: 'incremental' });
		await expect(nextJobOf(node, { ...series, forgetSource: '' })).rejects.toThrow('Source');
		expect(await nextJobOf(node, { operation: 'forgetSchedule', forgetScheduleId: 'brBackupDaily001' })).toEqual({ kind: 'catalog.forgetSchedule', store, id: 'brBackupDaily001' });
	});

	test('the dashboard shows times in the zone of the workflow', async () => {
		const job = await jobOf(node, { operation: 'dashboard', dashboardTitle: 'CRM backups' }, { timeZone: 'America/Sao_Paulo' });
		expect(job).toMatchObject({ kind: 'catalog.dashboard', title: 'CRM backups', timeZone: 'America/Sao_Paulo', refreshSeconds: 60, holdOnAlarm: true, targets: { rpoSeconds: 21_600 } });
	});

	test('goals are given in the units that people use', async () => {
		const options = { rtoMinutes: 90, rpoHours: 0.5, availabilityPercent: 99.5, sizeGigabytes: 2, durationMinutes: 15 };
		const targets = { rtoSeconds: 5400, rpoSeconds: 1800, availability: expect.closeTo(0.995, 9), sizeBytes: 2e9, durationSeconds: 900 };
		expect(await nextJobOf(node, { operation: 'dashboard', options })).toMatchObject({ kind: 'catalog.dashboard', targets });
		expect(await nextJobOf(node, { operation: 'report', reportTitle: hostile, options: { ...options, days: 7 } })).toMatchObject({ kind: 'catalog.monthlyReport', title: hostile, days: 7, targets });
	});

	test('a hold on retention has a reason', async () => {
		expect(await jobOf(node, { operation: 'retentionHold', holdAction: 'hold', holdReason: 'Ransomware?' })).toEqual({ kind: 'catalog.retentionHold', store, action: 'hold', reason: 'Ransomware?' });
		running.mockClear();
		expect(await jobOf(node, { operation: 'retentionHold', holdAction: 'lift' })).toMatchObject({ action: 'lift' });
	});

	test('alerts are checked, recorded as they came, and hours that do not grow are refused', async () => {
		expect(await jobOf(node, { operation: 'checkAlerts', alertSubject: 'store', options: { components: ['postgres'], repeatHours: 12, escalateAfterHours: '1, 4.5' } })).toMatchObject({
			kind: 'alerts.checkStore', store, components: ['postgres'], repeatHours: 12, escalateAfterHours: [1, 4.5], holdOnAlarm: true,
		});
		const failed = { operation: 'checkAlerts', alertSubject: 'workflow', alertWorkflow: 'w1', alertTitle: hostile, alertWhat: 'x'.repeat(9000), alertAdvice: '', alertLink: 'https://n8n/1' };
		const job = await nextJobOf(node, failed);
		expect(job).toMatchObject({ kind: 'alerts.checkWorkflow', workflow: 'w1', problem: { severity: 'critical', title: hostile, link: 'https://n8n/1' }, escalateAfterHours: [] });
		expect((job as { problem: { what: string } }).problem.what).toHaveLength(8000);
		const after = { key: 'k', severity: 'warning', title: 't', what: 'w', advice: '', since: '2026-11-01T00:00:00.000Z', toldAt: '2026-11-01T00:00:00.000Z', level: 0 };
		expect(await nextJobOf(node, { operation: 'recordSuccess', scheduleId: 'w1', scheduleName: 'Nightly', nextWithinHours: 27 })).toEqual({ kind: 'catalog.recordSuccess', store, id: 'w1', name: 'Nightly', nextWithinHours: 27 });
		const triggerRules = { interval: [{ field: 'cronExpression', expression: '0 0 0 29 2 *' }] };
		expect(await nextJobOf(node, { operation: 'recordSuccess', scheduleId: 'w1', scheduleName: 'Nightly', nextWithinHours: 27, triggerRules }, { timeZone: 'America/Sao_Paulo' })).toMatchObject({ dueAt: expect.stringMatching(/^\d{4}-02-29T03:00:00\.000Z$/) });
		expect(await nextJobOf(node, { operation: 'recordStart', scheduleId: 'w1', scheduleName: 'Nightly' })).toEqual({ kind: 'catalog.recordStart', store, id: 'w1', name: 'Nightly' });
		expect(await nextJobOf(node, { operation: 'missedRuns' })).toEqual({ kind: 'catalog.missedRuns', store });
		const { context } = fakeContext(node, { items: [{ operation: 'recordAlerts' }], input: [{ alert: { key: 'k', after }, delivered: true }] });
		running.mockClear();
		await node.execute?.call(context);
		expect(checkJob(running.mock.calls[0]?.[0])).toEqual({ kind: 'alerts.record', store, delivered: [{ key: 'k', after: { ...after, cause: '', link: '', runbook: '' } }] });
		await expect(nextJobOf(node, { operation: 'checkAlerts', alertSubject: 'store', options: { escalateAfterHours: '4, 1' } })).rejects.toThrow('Escalate After');
	});

	test('prune only plans unless told to apply', async () => {
		const job = await jobOf(node, { operation: 'prune', options: { weekly: 4 } }, { timeZone: 'America/Sao_Paulo' });
		expect(job).toEqual({
			kind: 'catalog.prune',
			store,
			policy: { keepLastVerified: 2, keepDays: 30, daily: 0, weekly: 4, monthly: 0, yearly: 0, keepRecoveryPoints: 0, timeZone: 'America/Sao_Paulo' },
			walWindowHours: 24,
			apply: false,
		});
		running.mockClear();
		expect(await jobOf(node, { operation: 'prune', mode: 'apply' })).toMatchObject({ apply: true });
	});

	test('clean up only plans unless told to apply', async () => {
		expect(await jobOf(node, { operation: 'cleanUp' })).toEqual({ kind: 'catalog.cleanUp', store, apply: false, olderThanMinutes: 60 });
	});
});

describe('the break-glass kit', () => {
	test('goes to the target store, encrypted by the credential, without the keys of the store unless told so', async () => {
		const parameters = { operation: 'breakGlassKit', kitTitle: hostile, kitNotes: 'Call Maria' };
		expect(await jobOf(new BackupCatalog(), parameters)).toMatchObject({ kind: 'breakGlass.write', store, target: { type: 'folder' }, title: hostile, notes: 'Call Maria', includeStoreKeys: false, encryption: null, allowUnencrypted: false });
		expect(await nextJobOf(new BackupCatalog(), { ...parameters, kitTitle: ' ', includeStoreKeys: true })).toMatchObject({ title: 'Recovery', includeStoreKeys: true });
	});
});
