import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWithPostgres, describeWithTools, MAJORS, startMajor } from '../../support/postgres-versions';

const run = promisify(execFile);

describeWithPostgres(MAJORS, (major) => {
	test('starts and answers', async () => {
		const server = await startMajor(major);
		try {
			const [row] = await server.query<{ version: string }>("SELECT current_setting('server_version_num') AS version");
			expect(Math.floor(Number(row?.version) / 10_000)).toBe(major);
		} finally {
			await server.stop();
		}
	});
});

describeWithTools([17, 18], (major, tools) => {
	test('its tools find each other', async () => {
		const server = await startMajor(major, { settings: { wal_level: 'replica' } });
		const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-tools-'));
		try {
			const env = { PGPASSWORD: server.password, PATH: process.env.PATH };
			await run(join(tools, 'pg_basebackup'), ['-h', server.host, '-p', String(server.port), '-U', server.user, '-D', join(folder, 'data'), '-c', 'fast'], { env });
			expect((await run(join(tools, 'pg_verifybackup'), [join(folder, 'data')])).stdout).toContain('successfully verified');
			expect((await run(join(tools, 'pg_combinebackup'), ['--version'])).stdout).toContain(String(major));
		} finally {
			await rm(folder, { recursive: true, force: true });
			await server.stop();
		}
	});
});
