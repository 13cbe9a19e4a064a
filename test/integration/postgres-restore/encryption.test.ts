import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Manifest } from '../../../lib/catalog/manifest';
import { readVerification } from '../../../lib/catalog/read-verification';
import type { JobKeys } from '../../../lib/core/keys';
import { dumpGlobals } from '../../../lib/postgres/dump-globals';
import { restoreDrill } from '../../../lib/verify/restore-drill';
import { verifyIntegrity } from '../../../lib/verify/verify-integrity';
import { type AgePair, keysOf, newAgePair } from '../../support/age';
import { createCrmDatabase } from '../../support/crm-database';
import { failure } from '../../support/failure';
import { testContext } from '../../support/job-context';
import { proofOf, type RestoreFixture, startFixture } from './restore-fixture';

const run = promisify(execFile);
let fixture: RestoreFixture;
let pair: AgePair;
let keys: JobKeys;
let backups: Manifest[];

/** The context of a job with these keys; the one before it is given back. */
async function useKeys(given: JobKeys): Promise<void> {
	await fixture.context.remove();
	fixture.context = await testContext({ keys: given });
}

beforeAll(async () => {
	fixture = await startFixture();
	await createCrmDatabase(fixture.server, 'crm_dashboard', 0.01);
	pair = await newAgePair();
	keys = keysOf(pair);
	await fixture.begin();
	await useKeys({ encryption: keys.encryption, decryption: null });
	backups = [await fixture.dump('crm_dashboard'), await fixture.dump('crm_dashboard', { format: 'directory', parallelJobs: 2 })];
	await fixture.end();
}, 60_000);
afterAll(() => fixture?.close());
beforeEach(() => fixture.begin());
afterEach(() => fixture.end());

describe('an encrypted dump', () => {
	it('says so in its manifest, and holds no readable byte of the data', async () => {
		for (const backup of backups) {
			const [dump, instructions] = backup.artifacts;
			expect(dump).toMatchObject({ name: expect.stringMatching(/\.zst\.age$/), encryption: { algorithm: 'age', to: 'recipients', recipients: [pair.recipient] } });
			expect(instructions).toMatchObject({ name: 'RESTORE.txt' });
			expect(instructions?.encryption).toBeUndefined();
			expect((await readFile(join(fixture.folderOf(backup), dump!.name))).subarray(0, 21).toString()).toBe('age-encryption.org/v1');
			expect(JSON.stringify(backup)).not.toContain(pair.identity);
		}
	});

	it('comes back with its identity, whatever its format', async () => {
		await useKeys(keys);
		for (const [at, backup] of backups.entries()) {
			const database = `restored_${at}`;
			const result = await fixture.restore(backup, { mode: 'new', database });
			expect(result.checks).toContainEqual(expect.objectContaining({ check: 'Decryption', state: 'passed' }));
			expect(await proofOf(fixture.server, database)).toEqual(await proofOf(fixture.server, 'crm_dashboard'));
			await fixture.server.query(`DROP DATABASE ${database}`);
		}
	});

	it('is refused without its identity, or with another, before anything is created', async () => {
		const before = await fixture.databases();
		const other = await newAgePair();
		const attempts: Array<[JobKeys, string, string]> = [
			[{ encryption: keys.encryption, decryption: null }, 'KEY_MISSING', 'no identity was given'],
			[{ encryption: null, decryption: { identities: [other.identity] } }, 'KEY_WRONG', pair.recipient],
			[{ encryption: null, decryption: { identities: [], passphrase: 'some passphrase' } }, 'KEY_MISSING', 'no identity was given'],
		];
		for (const [given, code, message] of attempts) {
			await useKeys(given);
			for (const backup of backups) {
				const error = await failure(fixture.restore(backup, { mode: 'new', database: 'restored' }));
				expect(error.toJSON()).toMatchObject({ code, message: expect.stringContaining(message) });
				const { checks } = await fixture.restore(backup, { mode: 'new', database: 'restored' }, { dryRun: true });
				expect(checks).toContainEqual(expect.objectContaining({ check: 'Decryption', state: 'failed' }));
			}
			const drill = { store: fixture.store, component: 'postgres' as const, backup: { by: 'id' as const, id: backups[0]!.id }, connection: fixture.server.connection, parallelJobs: 1, globals: null };
			expect((await failure(restoreDrill(drill, fixture.context))).code).toBe(code);
		}
		expect(await fixture.databases()).toEqual(before);
		// A missing key says nothing against the backup.
		expect(await readVerification(fixture.store, 'postgres', backups[0]!.id)).toBeUndefined();
	});

	it('is checked byte by byte without a key, and parsed with one', async () => {
		const options = { store: fixture.store, component: 'postgres' as const, backup: { by: 'id' as const, id: backups[0]!.id }, clientFolder: '' };
		expect((await verifyIntegrity({ ...options, level: 'checksum' }, fixture.context)).detail).toContain('without being opened');
		expect((await failure(verifyIntegrity({ ...options, level: 'structure' }, fixture.context))).code).toBe('KEY_MISSING');
		await useKeys(keys);
		expect((await verifyIntegrity({ ...options, level: 'structure' }, fixture.context)).detail).not.toContain('without being opened');
		const path = join(fixture.folderOf(backups[0]!), backups[0]!.artifacts[0]!.name);
		const good = await readFile(path);
		try {
			// In the header of the age file: a flipped bit there must not be taken for a wrong key.
			await writeFile(path, Buffer.concat([good.subarray(0, 60), Buffer.from([good[60]! ^ 1]), good.subarray(61)]));
			expect((await failure(fixture.restore(backups[0]!, { mode: 'new', database: 'restored' }))).code).toBe('ARTIFACT_DAMAGED');
		} finally {
			await writeFile(path, good);
		}
	});

	it.each([0, 1])('is restored by its RESTORE.txt with age, zstd and pg_restore alone (%i)', async (at) => {
		const backup = backups[at]!;
		const work = await mkdtemp(join(tmpdir(), 'backup-recovery-stock-'));
		const { server } = fixture;
		try {
			for (const name of await readdir(fixture.folderOf(backup))) await writeFile(join(work, name), await readFile(join(fixture.folderOf(backup), name)));
			await writeFile(join(work, 'identity.txt'), `${pair.identity}\n`, { mode: 0o600 });
			const text = await readFile(join(work, 'RESTORE.txt'), 'utf8');
			const commands = [...text.matchAll(/```sh\n(.*?)\n```/gs)].map((match) => match[1]).join('\n');
			const env = { PATH: `${server.serverFolder}:${process.env.PATH}`, PGHOST: server.host, PGPORT: String(server.port), PGUSER: server.user, PGPASSWORD: server.password };
			await run('bash', ['-euo', 'pipefail', '-c', commands], { cwd: work, env, maxBuffer: 1e8 });
			expect(await proofOf(server, 'restored')).toEqual(await proofOf(server, 'crm_dashboard'));
		} finally {
			await server.query('DROP DATABASE IF EXISTS restored');
			await rm(work, { recursive: true });
		}
	});
});

describe('globals', () => {
	it('are refused without a key, unless somebody allows it', async () => {
		const options = { connection: fixture.server.connection, rolePasswords: true, compressionLevel: 1, lockWaitSeconds: 0 };
		const error = await failure(dumpGlobals({ ...options, allowUnencrypted: false }, fixture.store, fixture.context));
		expect(error.toJSON()).toMatchObject({ code: 'ENCRYPTION_REQUIRED', hint: expect.stringContaining('Backup Encryption') });
		const open = await dumpGlobals({ ...options, allowUnencrypted: true }, fixture.store, fixture.context);
		expect(open.warnings).toContainEqual(expect.stringContaining('not encrypted'));
		await useKeys(keys);
		const sealed = await dumpGlobals({ ...options, allowUnencrypted: false }, fixture.store, fixture.context);
		expect(sealed.warnings).toEqual([]);
		expect(sealed.artifacts[0]?.name).toBe('globals.sql.zst.age');
	});
});
