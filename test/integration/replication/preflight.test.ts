import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresConnection } from '../../../lib/postgres/connection-settings';
import { hbaLine, runReplicationPreflight } from '../../../lib/postgres/replication/preflight';
import { testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

let server: PostgresServer;
beforeAll(async () => (server = await startPostgres({ settings: { wal_level: 'replica', max_wal_senders: '5' } })), 60_000);
afterAll(async () => await server?.stop());

async function preflight(connection: PostgresConnection = server.connection) {
	const context = await testContext();
	try {
		const checks = await runReplicationPreflight(connection, null, context);
		return { checks, byName: Object.fromEntries(checks.map((check) => [check.check, check])) };
	} finally {
		await context.remove();
	}
}

test('a server that is ready', async () => {
	const { checks, byName } = await preflight();
	expect(checks.filter(({ state }) => state === 'failed')).toEqual([]);
	expect(byName['Replication connection']?.detail).toMatch(/takes replication commands on timeline 1/);
	expect(byName['Limit of a slot']).toMatchObject({ state: 'warning', hint: expect.stringContaining('max_slot_wal_keep_size') });
});

test('a role that may not replicate, and the command that mends it', async () => {
	await server.query(`CREATE ROLE "re""porter" LOGIN PASSWORD 'reporter'`);
	const { byName } = await preflight({ ...server.connection, user: 're"porter', password: 'reporter' });
	for (const check of ['Role', 'Replication connection']) expect(byName[check]).toMatchObject({ state: 'failed', hint: expect.stringContaining('Run as a superuser: ALTER ROLE "re""porter" REPLICATION;') });
});

test('pg_hba.conf that lets nobody in, and the line that mends it', async () => {
	await server.query(`CREATE ROLE copier LOGIN REPLICATION PASSWORD 'copier'`);
	const [row] = await server.query<{ folder: string }>(`SELECT current_setting('data_directory') AS folder`);
	const file = join(row!.folder, 'pg_hba.conf');
	const before = await readFile(file, 'utf8');
	const reload = async () => void (await server.query('SELECT pg_reload_conf(), pg_sleep(0.2)'));
	const connection = { ...server.connection, user: 'copier', password: 'copier' };
	try {
		await writeFile(file, 'local all all scram-sha-256\nhost all postgres 127.0.0.1/32 scram-sha-256\n');
		await reload();
		const { byName } = await preflight(connection);
		const hint = byName['Replication connection']?.hint ?? '';
		expect(hint).toContain('host postgres copier 127.0.0.1/32 scram-sha-256');
		await appendFile(file, `${hint.slice(hint.indexOf(': host') + 2)}\n`);
		await reload();
		expect((await preflight(connection)).checks.filter(({ state }) => state === 'failed')).toEqual([]);
	} finally {
		await writeFile(file, before);
		await reload();
	}
});

test('a server that writes too little, and has nothing free', async () => {
	const poor = await startPostgres({ settings: { wal_level: 'minimal', max_wal_senders: '0', max_replication_slots: '0' } });
	try {
		const { byName } = await preflight(poor.connection);
		for (const check of ['WAL level', 'WAL senders', 'Replication slots', 'Replication connection']) expect(byName[check]?.state).toBe('failed');
		expect(byName['WAL level']?.hint).toContain('wal_level = replica');
	} finally {
		await poor.stop();
	}
});

test('nothing listens', async () => {
	const { checks } = await preflight({ ...server.connection, port: 1 });
	expect(checks.map(({ state }) => state)).toEqual(['failed', 'failed']);
});

test.each([
	['no pg_hba.conf entry for host "10.1.2.3", user "u", database "d", no encryption', 'host postgres backup 10.1.2.3/32 scram-sha-256'],
	['kein pg_hba.conf-Eintrag für Host »fe80::1:2«, Benutzer »u«', 'host postgres backup fe80::1:2/128 scram-sha-256'],
	['no idea', 'host postgres backup <address of this machine>/32 scram-sha-256'],
])('the line for %s', (message, line) => {
	expect(hbaLine({ user: 'backup', database: 'postgres', tls: { mode: 'prefer', ca: '' } }, `The PostgreSQL server 127.0.0.1:5432 refused while connecting: ${message}`)).toBe(line);
});
