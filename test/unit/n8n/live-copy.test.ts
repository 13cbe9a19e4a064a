import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { copySqlite } from '../../../lib/n8n/copy-sqlite';
import { NEVER } from '../../support/backup-fixtures';
import { makeSmallN8n } from '../../support/small-n8n';

/** Adds a workflow and its credential in one transaction, again and again, as fast as it can, until its input ends. */
const WRITER = `
	const { DatabaseSync } = require('node:sqlite');
	const database = new DatabaseSync(process.argv[1]);
	database.exec('PRAGMA busy_timeout = 5000; PRAGMA synchronous = OFF');
	process.stdin.on('end', () => process.exit(0)).resume();
	let i = 0;
	const write = () => {
		i += 1;
		database.exec("BEGIN; INSERT INTO workflow_entity (id, name) VALUES ('n" + i + "', 'New'); UPDATE settings SET value = '" + i + "' WHERE key = 'tags'");
		database.exec("INSERT INTO credentials_entity VALUES ('n" + i + "', 'New', 'x', 'y'); COMMIT");
		if (i === 20) console.log('writing');
		setImmediate(write);
	};
	write();`;

let folder: string;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'backup-recovery-live-copy-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a copy taken while another process keeps writing is whole, and of one moment; the writer is not held up', async () => {
	const { database } = makeSmallN8n(join(folder, 'n8n'), { workflows: 3000, executions: 500 });
	const writer = spawn(process.execPath, ['--no-warnings', '-e', WRITER, database], { stdio: ['pipe', 'pipe', 'inherit'] });
	const ended = new Promise<number | null>((resolve) => writer.once('exit', resolve));
	try {
		await new Promise((resolve) => writer.stdout.once('data', resolve));
		for (let round = 0; round < 3; round++) {
			const before = newest(database);
			const target = join(folder, `copy-${round}`);
			await copySqlite({ source: database, target, withoutHistory: true, signal: NEVER, progress: () => undefined });
			expect(newest(database)).toBeGreaterThan(before);
			const copy = new DatabaseSync(target, { readOnly: true });
			expect(copy.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
			expect(copy.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
			const count = (table: string) => (copy.prepare(`SELECT count(*) AS n FROM ${table} WHERE id LIKE 'n%'`).get() as { n: number }).n;
			const seen = Number((copy.prepare(`SELECT value FROM settings WHERE key = 'tags'`).get() as { value: string }).value);
			expect([count('workflow_entity'), count('credentials_entity')]).toEqual([seen, seen]);
			expect(seen).toBeGreaterThanOrEqual(before);
			copy.close();
		}
	} finally {
		writer.stdin.end();
		expect(await ended).toBe(0);
	}
}, 60_000);

function newest(file: string): number {
	const database = new DatabaseSync(file, { readOnly: true });
	const { value } = database.prepare(`SELECT value FROM settings WHERE key = 'tags'`).get() as { value: string };
	database.close();
	return Number(value);
}
