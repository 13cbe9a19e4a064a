import { readdir, readFile, stat } from 'node:fs/promises';
import { passFileLine, withClientEnvironment } from '../../../lib/postgres/client-environment';
import { postgresConnectionSchema } from '../../../lib/postgres/connection-settings';
import { databaseConninfo } from '../../../lib/postgres/conninfo';
import { testContext } from '../../support/job-context';

it('the password is in a file for its owner alone, and gone afterwards, also after a failure', async () => {
	const context = await testContext();
	const connection = postgresConnectionSchema.parse({
		host: 'db',
		user: 'u',
		password: 'pa:ss\\',
		tls: { mode: 'verify-ca', ca: 'CA TEXT' },
	});
	const attempt = withClientEnvironment(connection, context, async (env) => {
		expect((await stat(env.PGPASSFILE ?? '')).mode & 0o777).toBe(0o600);
		expect(await readFile(env.PGPASSFILE ?? '', 'utf8')).toBe('*:*:*:*:pa\\:ss\\\\\n');
		expect(await readFile(env.PGSSLROOTCERT ?? '', 'utf8')).toBe('CA TEXT');
		expect(env).toMatchObject({ PGHOST: 'db', PGPORT: '5432', PGUSER: 'u', PGSSLMODE: 'verify-ca' });
		expect(JSON.stringify(env)).not.toContain('pa:ss');
		throw new Error('it failed');
	});
	await expect(attempt).rejects.toThrow('it failed');
	expect(await readdir(context.workFolder)).toEqual([]);
	await context.remove();
});

it('escapes what a pass file treats specially', () => {
	expect(passFileLine('a:b\\c')).toBe('*:*:*:*:a\\:b\\\\c\n');
});

it('names a database so that it is no connection string', () => {
	expect(databaseConninfo(`host=evil it's \\`)).toBe(`dbname='host=evil it\\'s \\\\'`);
});
