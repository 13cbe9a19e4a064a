import { BackupError } from '../../lib/core/errors';
import { runJob } from '../../lib/jobs/run-job';
import { credentialTest } from '../../nodes/shared/credential-tests';
import { listSearch, loadOptions } from '../../nodes/shared/lookups';
import { fakeLookupContext, postgresCredential, storeCredential } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);
const hostile = 'we"ird.schema';

const backup = {
	id: '20261122T020000Z-full-a1b2c3',
	kind: 'full',
	status: 'success',
	source: 'crm',
	startedAt: '2026-11-22T02:00:00.000Z',
	storedBytes: 81_000_000,
	verified: { level: 'restore', at: '2026-11-22T02:10:00.000Z' },
};

beforeEach(() => {
	running.mockReset();
	process.env.N8N_RESTRICT_FILE_ACCESS_TO = '/';
});
afterEach(() => {
	delete process.env.N8N_RESTRICT_FILE_ACCESS_TO;
});

test('databases, narrowed down by what was typed', async () => {
	running.mockResolvedValue({ databases: ['crm', 'n8n', 'CRM copy'] });
	expect(await listSearch.searchDatabases.call(fakeLookupContext(), 'crm')).toEqual({
		results: [
			{ name: 'crm', value: 'crm' },
			{ name: 'CRM copy', value: 'CRM copy' },
		],
	});
	expect(running.mock.calls[0]?.[0]).toMatchObject({ kind: 'postgres.listDatabases', connection: { host: 'db.example.com', port: 5433 } });
});

test('tables of the chosen database, with values that keep any name apart', async () => {
	running.mockResolvedValue({ tables: [{ schema: hostile, name: 'a.b' }] });
	expect(await loadOptions.getTables.call(fakeLookupContext({ database: 'crm' }))).toEqual([
		{ name: `${hostile}.a.b`, value: JSON.stringify([hostile, 'a.b']) },
	]);
	expect(running.mock.calls[0]?.[0]).toMatchObject({ kind: 'postgres.listTables', database: 'crm' });
});

test('schemas of the chosen database', async () => {
	running.mockResolvedValue({ schemas: ['public', hostile] });
	expect(await loadOptions.getSchemas.call(fakeLookupContext({ database: 'crm' }))).toEqual([
		{ name: 'public', value: 'public' },
		{ name: hostile, value: hostile },
	]);
});

test.each([undefined, '', "={{ $json.database }}"])('without a chosen database (%p) the list says so', async (database) => {
	await expect(loadOptions.getTables.call(fakeLookupContext({ database }))).rejects.toThrow('Choose a database first.');
	expect(running).not.toHaveBeenCalled();
});

test('backups of the store read like a table, damaged ones say so', async () => {
	running.mockResolvedValue({
		backups: [backup, { ...backup, id: 'd', status: 'damaged' }, { ...backup, id: 'u', verified: null }, { ...backup, id: 'g', kind: 'globals' }],
	} as never);
	const { results } = await listSearch.searchBackups.call(fakeLookupContext());
	expect(results).toEqual([
		{ name: '2026-11-22 02:00 UTC | crm | full | 81.0 MB | verified: restore', value: backup.id },
		{ name: '2026-11-22 02:00 UTC | crm | full | 81.0 MB | DAMAGED', value: 'd' },
		{ name: '2026-11-22 02:00 UTC | crm | full | 81.0 MB | not verified', value: 'u' },
	]);
	expect((await listSearch.searchGlobals.call(fakeLookupContext())).results).toMatchObject([{ value: 'g' }]);
	expect((await listSearch.searchAllBackups.call(fakeLookupContext(), 'globals')).results).toMatchObject([{ value: 'g' }]);
});

test('only kept databases are offered for dropping', async () => {
	running.mockResolvedValue({ databases: ['crm', 'crm_before_20261122t020000z', 'the_before_table'] });
	expect((await listSearch.searchPrevious.call(fakeLookupContext())).results).toEqual([
		{ name: 'crm_before_20261122t020000z', value: 'crm_before_20261122t020000z' },
	]);
});

test('a failed look-up says what happened and what to do', async () => {
	running.mockRejectedValue(new BackupError('AUTHENTICATION_FAILED', 'db refused the password of "backup".', 'Correct it.'));
	await expect(listSearch.searchDatabases.call(fakeLookupContext())).rejects.toMatchObject({
		message: 'db refused the password of "backup".',
		description: 'Correct it. (Code: AUTHENTICATION_FAILED)',
	});
});

describe('connection tests', () => {
	const testing = {} as never;
	const credential = (data: object) => ({ id: '1', name: 'c', type: 't', data }) as never;

	test('Postgres says who it is and what it reached', async () => {
		running.mockResolvedValue({ serverVersion: '15.14', user: 'backup' });
		expect(await credentialTest.backupPostgresTest.call(testing, credential(postgresCredential))).toEqual({
			status: 'OK',
			message: 'Connected as backup to PostgreSQL 15.14',
		});
	});

	test('a failure says what to do, and never the password', async () => {
		running.mockRejectedValue(new BackupError('SERVER_UNREACHABLE', 'db:5433 cannot be reached.', 'See that it runs.'));
		expect(await credentialTest.backupPostgresTest.call(testing, credential(postgresCredential))).toEqual({
			status: 'Error',
			message: 'db:5433 cannot be reached. See that it runs.',
		});
		running.mockClear();
		const { message } = await credentialTest.backupPostgresTest.call(testing, credential({ ...postgresCredential, host: ' ' }));
		expect(message).toContain('"Host of the Postgres credential" is empty.');
		expect(running).not.toHaveBeenCalled();
	});

	test('a store is written to and read back', async () => {
		running.mockResolvedValue({ store: 'folder /backups', freeBytes: 12_340_000_000 });
		expect(await credentialTest.backupStoreTest.call(testing, credential(storeCredential))).toEqual({
			status: 'OK',
			message: 'Wrote, read back and removed a file in folder /backups, 12.3 GB free',
		});
	});

	test('a folder that n8n keeps closed is not even tried', async () => {
		process.env.N8N_RESTRICT_FILE_ACCESS_TO = '/elsewhere';
		const { status, message } = await credentialTest.backupStoreTest.call(testing, credential(storeCredential));
		expect(status).toBe('Error');
		expect(message).toContain('N8N_RESTRICT_FILE_ACCESS_TO');
		expect(running).not.toHaveBeenCalled();
	});
});
