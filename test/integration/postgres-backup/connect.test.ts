import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTo, createServer } from 'node:net';
import { withClient } from '../../../lib/postgres/connect';
import type { PostgresConnection } from '../../../lib/postgres/connection-settings';
import { BackupError } from '../../../lib/core/errors';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

const never = new AbortController().signal;
let plain: PostgresServer;
let encrypted: PostgresServer;

beforeAll(async () => {
	[plain, encrypted] = await Promise.all([startPostgres(), startPostgres({ tlsOnly: true })]);
	await plain.query(`CREATE ROLE "no login"`);
	await encrypted.query(`CREATE ROLE "no login"`);
}, 60_000);

afterAll(async () => {
	await Promise.all([plain?.stop(), encrypted?.stop()]);
});

/** Connects; yields whether the session is encrypted. */
function connect(connection: PostgresConnection, database?: string): Promise<boolean> {
	return withClient(connection, { database, signal: never, applicationName: 'connect test' }, async (client) => {
		const { rows } = await client.query<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
		return rows[0]?.ssl === true;
	});
}

async function failure(work: Promise<unknown>): Promise<BackupError> {
	try {
		await work;
	} catch (error) {
		if (error instanceof BackupError) return error;
		throw error;
	}
	throw new Error('it did not fail');
}

const tls = (mode: PostgresConnection['tls']['mode'], ca = '') => ({ ...encrypted.connection, tls: { mode, ca } });
const localhost = (connection: PostgresConnection) => ({ ...connection, host: 'localhost' });

describe('TLS modes', () => {
	it('prefer encrypts where the server can, and goes on where it cannot', async () => {
		expect(await connect(tls('prefer'))).toBe(true);
		expect(await connect({ ...plain.connection, tls: { mode: 'prefer', ca: '' } })).toBe(false);
	});

	it('require, verify-ca and verify-full encrypt', async () => {
		expect(await connect(tls('require'))).toBe(true);
		expect(await connect(tls('require', encrypted.caCertificate))).toBe(true);
		expect(await connect(tls('verify-ca', encrypted.caCertificate))).toBe(true);
		expect(await connect(localhost(tls('verify-full', encrypted.caCertificate)))).toBe(true);
	});

	it('disable is refused by a server that wants TLS, with the pg_hba line to add', async () => {
		const error = await failure(connect(tls('disable')));
		expect(error.code).toBe('AUTHENTICATION_FAILED');
		expect(error.hint).toContain('pg_hba.conf');
	});

	it('require fails on a server without TLS', async () => {
		const error = await failure(connect({ ...plain.connection, tls: { mode: 'require', ca: '' } }));
		expect(error.code).toBe('TLS_FAILED');
		expect(error.hint).toContain('ssl = off');
	});

	it('verify-ca fails on a certificate that nobody vouches for', async () => {
		const error = await failure(connect(tls('verify-ca')));
		expect(error.code).toBe('TLS_FAILED');
		expect(error.hint).toContain('Paste the certificate');
	});

	it('verify-full fails on a certificate for another name', async () => {
		const error = await failure(connect(tls('verify-full', encrypted.caCertificate)));
		expect(error.code).toBe('TLS_FAILED');
		expect(error.message).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
	});
});

describe('what cannot be connected to', () => {
	it.each(['plain', 'encrypted'] as const)('wrong password (%s server)', async (which) => {
		const server = which === 'plain' ? plain : encrypted;
		const error = await failure(connect({ ...server.connection, password: 'wrong' }));
		expect(error.code).toBe('AUTHENTICATION_FAILED');
		expect(error.message).toContain('28P01');
		expect(error.hint).toBe('Check the user "postgres" and its password in the credential.');
		expect(JSON.stringify(error)).not.toContain('wrong');
	});

	it.each(['disable', 'prefer', 'require'] as const)('no password (%s)', async (mode) => {
		const server = mode === 'disable' ? plain : encrypted;
		process.env.PGPASSWORD = server.password;
		try {
			const error = await failure(connect({ ...server.connection, password: '', tls: { mode, ca: '' } }));
			expect(error.code).toBe('AUTHENTICATION_FAILED');
			expect(error.hint).toBe('Put the password into the credential.');
		} finally {
			delete process.env.PGPASSWORD;
		}
	});

	it('unknown host', async () => {
		const error = await failure(connect({ ...plain.connection, host: 'no-such-host.invalid' }));
		expect(error.code).toBe('SERVER_UNREACHABLE');
		expect(error.message).toContain('no-such-host.invalid:');
		expect(error.hint).toMatch(/Check the host/);
	});

	it('nobody listens', async () => {
		const error = await failure(connect({ ...plain.connection, port: 1, tls: { mode: 'prefer', ca: '' } }));
		expect(error.code).toBe('SERVER_UNREACHABLE');
		expect(error.message).toContain('ECONNREFUSED');
	});

	it('unknown database, naming those that exist', async () => {
		await plain.createDatabase('crm "live"');
		const error = await failure(connect(plain.connection, 'crm'));
		expect(error.code).toBe('DATABASE_NOT_FOUND');
		expect(error.message).toContain('There is no database "crm"');
		expect(error.hint).toContain('"crm "live""');
	});

	it('a host that never answers is given up after the time allowed', async () => {
		const { createServer } = await import('node:net');
		const silent = createServer(() => undefined).listen(0, '127.0.0.1');
		await new Promise((resolve) => silent.once('listening', resolve));
		const { port } = silent.address() as { port: number };
		const error = await failure(
			connect({ ...plain.connection, port, connectTimeoutSeconds: 0.3, tls: { mode: 'prefer', ca: '' } }),
		);
		silent.close();
		expect(error.code).toBe('SERVER_UNREACHABLE');
		expect(error.message).toContain('did not answer within 0.3 seconds');
	});
});

describe('a session', () => {
	it('is not bound by the time limits and the search path of its role', async () => {
		await plain.query(`CREATE ROLE limited SUPERUSER LOGIN PASSWORD 'x';
			ALTER ROLE limited SET statement_timeout = '20ms'; ALTER ROLE limited SET search_path = trap, pg_catalog;
			ALTER ROLE limited SET idle_in_transaction_session_timeout = '1ms'`);
		await withClient(
			{ ...plain.connection, user: 'limited', password: 'x' },
			{ signal: never, applicationName: 'limits' },
			async (client) => {
				await client.query('BEGIN');
				await new Promise((resolve) => setTimeout(resolve, 50));
				const { rows } = await client.query(`SELECT current_setting('search_path') AS path, pg_sleep(0.05)`);
				expect(rows[0]).toMatchObject({ path: '' });
			},
		);
	});

	it('has left the server also where the query was still on its way when the server was asked to cancel', async () => {
		const controller = new AbortController();
		const { signal } = controller;
		let connections = 0;
		const slowLine = createServer({ allowHalfOpen: true }, (client) => {
			const ofTheSession = connections++ === 0;
			const upstream = connectTo({ port: plain.connection.port, host: '127.0.0.1', allowHalfOpen: true });
			const later = (act: () => void) => (ofTheSession && signal.aborted ? setTimeout(act, 200) : act());
			client.on('data', (chunk) => later(() => upstream.write(chunk))).on('end', () => later(() => upstream.end()));
			for (const socket of [client, upstream]) socket.on('error', () => undefined);
			upstream.pipe(client);
		});
		slowLine.listen(0, '127.0.0.1');
		await once(slowLine, 'listening');
		try {
			const name = `late ${randomBytes(4).toString('hex')}`;
			const { port } = slowLine.address() as AddressInfo;
			const error = await failure(
				withClient({ ...plain.connection, host: '127.0.0.1', port }, { signal, applicationName: name }, async (client) => {
					await client.query('SELECT pg_advisory_lock(7, 9)');
					controller.abort();
					await client.query('SELECT pg_sleep(60)');
				}),
			);
			expect(error.code).toBe('CANCELLED');
			expect(await plain.query(`SELECT FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([]);
			expect(await plain.sessions()).not.toContain(name);
		} finally {
			slowLine.close();
		}
	});

	it('has left the server when its abort is over, with what it was computing and the locks it held', async () => {
		for (let round = 0; round < 12; round++) {
			const controller = new AbortController();
			const name = `abort ${randomBytes(4).toString('hex')}`;
			// In the middle of a query, between two, and in the middle of a transaction.
			let locked: () => void = () => undefined;
			const holding = new Promise<void>((resolve) => (locked = resolve));
			const working = failure(
				withClient(plain.connection, { signal: controller.signal, applicationName: name }, async (client) => {
					await client.query('SELECT pg_advisory_lock(7, 7)');
					if (round % 3 === 2) await client.query('BEGIN; CREATE TABLE public.half_made (a int); SELECT pg_advisory_xact_lock(7, 8)');
					locked();
					if (round % 3 === 1) await new Promise((resolve) => controller.signal.addEventListener('abort', resolve));
					await client.query('SELECT pg_sleep(60)');
				}),
			);
			await holding;
			await new Promise((resolve) => setTimeout(resolve, 20));
			controller.abort();
			expect((await working).code).toBe('CANCELLED');
			expect(await plain.query(`SELECT FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([]);
			expect(await plain.sessions()).not.toContain(name);
		}
	});

	it('reports a server error by its code, not its words', async () => {
		const error = await failure(
			withClient(plain.connection, { signal: never, applicationName: 'map', doing: 'reading a table' }, (client) =>
				client.query('SELECT * FROM nowhere.nothing'),
			),
		);
		expect(error.code).toBe('TABLE_NOT_FOUND');
		expect(error.message).toContain('while reading a table');
		expect(error.message).toContain('42P01');
	});

	it('reports being ended by the server', async () => {
		const error = await failure(
			withClient(plain.connection, { signal: never, applicationName: 'ended', doing: 'waiting' }, async (client) => {
				await client.query('SELECT pg_terminate_backend(pg_backend_pid())');
			}),
		);
		expect(error.code).toBe('SERVER_UNREACHABLE');
	});
});
