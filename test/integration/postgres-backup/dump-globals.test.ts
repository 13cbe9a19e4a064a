import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { escapeIdentifier } from 'pg';
import { dumpGlobals, type DumpGlobalsOptions } from '../../../lib/postgres/dump-globals';
import { openStore } from '../../../lib/storage/open-store';
import { failure } from '../../support/failure';
import { HOSTILE } from '../../support/hostile-database';
import { type TestContext, testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

const run = promisify(execFile);
let server: PostgresServer;
let root: string;
let context: TestContext;

beforeAll(async () => {
	server = await startPostgres();
	await server.query(`CREATE ROLE ${escapeIdentifier(HOSTILE.role)} LOGIN PASSWORD 'a secret' CONNECTION LIMIT 7; CREATE ROLE team; GRANT team TO ${escapeIdentifier(HOSTILE.role)} WITH ADMIN OPTION;
		ALTER ROLE team SET work_mem = '9MB'; CREATE ROLE plain LOGIN PASSWORD 'plain'; COMMENT ON ROLE team IS 'it''s us'`);
}, 60_000);

afterAll(() => server?.stop());

beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
	context = await testContext();
});

afterEach(async () => {
	expect(await server.sessions()).toEqual([]);
	expect(await readdir(context.workFolder)).toEqual([]);
	await context.remove();
	await rm(root, { recursive: true, force: true });
});

function dump(overrides: Partial<DumpGlobalsOptions> = {}) {
	const options = { connection: server.connection, rolePasswords: true, allowUnencrypted: true, compressionLevel: 1, lockWaitSeconds: 0, ...overrides };
	return dumpGlobals(options, openStore({ type: 'folder', path: root, prefix: '' }, context), context);
}

const folderOf = (id: string) => join(root, 'backups', 'postgres', id);

async function textOf(id: string): Promise<string> {
	return (await run('zstd', ['-dc', join(folderOf(id), 'globals.sql.zst')])).stdout;
}

describe('globals', () => {
	it('restore into another server by their RESTORE.txt, equal to the last byte', async () => {
		const manifest = await dump();
		expect(manifest).toMatchObject({ kind: 'globals', source: { name: 'globals' }, postgres: { format: 'plain' } });
		const other = await startPostgres();
		try {
			const text = await readFile(join(folderOf(manifest.id), 'RESTORE.txt'), 'utf8');
			const commands = [...text.matchAll(/```sh\n(.*?)\n```/gs)].map((match) => match[1]).join('\n');
			const env = {
				PATH: `${server.serverFolder}:${process.env.PATH}`,
				PGHOST: other.host,
				PGPORT: String(other.port),
				PGUSER: other.user,
				PGPASSWORD: other.password,
			};
			const { stderr } = await run('bash', ['-eo', 'pipefail', '-c', commands], { cwd: folderOf(manifest.id), env });
			expect(stderr.match(/ERROR: .*/g)).toEqual(['ERROR:  role "postgres" already exists']);
			const again = await dump({ connection: other.connection });
			const comparable = (sql: string) => sql.replace(/^\\(un)?restrict .*$/gm, '').replace(/^ALTER ROLE postgres .*$/gm, '');
			expect(comparable(await textOf(again.id))).toBe(comparable(await textOf(manifest.id)));
		} finally {
			await other.stop();
		}
	}, 60_000);

	it('are for the owner of the store alone', async () => {
		const { id } = await dump();
		expect((await stat(join(folderOf(id), 'globals.sql.zst'))).mode & 0o777).toBe(0o600);
		expect(await readFile(join(folderOf(id), 'manifest.json'), 'utf8')).not.toContain('SCRAM');
	});

	it('without a superuser say what to do, and leave nothing', async () => {
		const connection = { ...server.connection, user: 'plain', password: 'plain' };
		const error = await failure(dump({ connection }));
		expect(error.code).toBe('PERMISSION_DENIED');
		expect(error.hint).toContain('Turn "Role Passwords" off');
		expect(await readdir(join(root, 'backups', 'postgres')).catch(() => [])).toEqual([]);
		const { id, warnings } = await dump({ connection, rolePasswords: false });
		expect(await textOf(id)).not.toContain('SCRAM');
		expect(warnings.join()).toContain('Without role passwords');
	});
});
