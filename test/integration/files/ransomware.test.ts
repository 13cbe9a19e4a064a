import { execFile } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readLockStates } from '../../../lib/catalog/lock-state';
import { collectEvidence } from '../../../lib/forensics/collect-evidence';
import { recordRecoveryPoint } from '../../../lib/recovery/record';
import { readCleanPoints } from '../../../lib/status/read-clean-points';
import { BackupError } from '../../../lib/core/errors';
import { openStore } from '../../../lib/storage/open-store';
import type { Store } from '../../../lib/storage/store';
import { failure } from '../../support/failure';
import { FilesFixture, readTree, treeDifferences } from '../../support/file-trees';
import { type TestContext, testContext } from '../../support/job-context';

jest.setTimeout(60_000);

const run = promisify(execFile);
const FILES = 60;
const DAYS = 9;
const STRIKE = 6;

let base: string;
let fixture: FilesFixture;
let context: TestContext;
let folder: string;
let storeFolder: string;

beforeAll(async () => {
	base = await mkdtemp(join(tmpdir(), 'backup-recovery-ransom-'));
	storeFolder = join(base, 'store');
	await mkdir(storeFolder);
	context = await testContext();
	fixture = await FilesFixture.make(openStore({ type: 'folder', path: storeFolder, prefix: '' }, context));
	folder = fixture.path('uploads');
	await mkdir(folder);
});
afterAll(async () => {
	await context?.remove();
	await fixture?.remove();
	await rm(base, { recursive: true, force: true });
});

/** A letter that compresses, as letters do. */
const letter = (i: number, day: number) => `${`Contract ${i} of day ${day}: the party of the first part. `.repeat(80)}\n`;

/** Encrypts every file in place under another name, and leaves a note. */
async function strike(): Promise<void> {
	for (const name of await readdir(folder)) {
		const path = join(folder, name);
		const cipher = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16));
		await writeFile(path, Buffer.concat([cipher.update(await readFile(path)), cipher.final()]));
		await rename(path, `${path}.locked`);
	}
	await writeFile(join(folder, 'HOW TO GET YOUR FILES BACK.txt'), 'Pay.');
}

test('files that were encrypted: the newest clean point is found, restores to the files of before, and the evidence is sealed', async () => {
	const ids: string[] = [];
	let before: Awaited<ReturnType<typeof readTree>> | undefined;
	for (let i = 0; i < FILES; i++) await writeFile(join(folder, `contract ${i}.txt`), letter(i, 0));
	for (let day = 0; day < DAYS; day++) {
		if (day < STRIKE) await writeFile(join(folder, `contract ${day}.txt`), letter(day, day + 1));
		if (day === STRIKE) {
			before = await readTree(folder);
			await strike();
		}
		const now = () => new Date(Date.UTC(2026, 10, 1 + day));
		const backup = await fixture.archive(folder, {}, undefined, { now });
		const members = [{ component: 'files' as const, id: backup.id }];
		const point = await recordRecoveryPoint(fixture.store, { name: 'Backup: Full', members, since: null, failures: [], expected: [], failWhenIncomplete: true }, { ...context, now });
		ids.push(point.id);
	}

	const clean = await readCleanPoints(fixture.store, context);
	expect(clean.proposed).toBe(ids[STRIKE - 1]);
	expect(clean.points.map(({ verdict }) => verdict)).toEqual(['suspicious', 'suspicious', 'suspicious', 'clean', ...Array<string>(5).fill('unknown')]);
	expect(clean.signs).toEqual([expect.objectContaining({ component: 'files', until: null, detail: expect.stringContaining('encrypted files look like this') })]);

	const backup = clean.backups.find(({ verdict }) => verdict === 'clean')!.backup;
	const restored = fixture.path('clean');
	await fixture.restore(restored, { backup: { by: 'id', id: backup } });
	expect(treeDifferences(before!, await readTree(restored))).toEqual([]);

	// Nothing in a folder keeps whoever has it from deleting it, and the list says so.
	const locks = await readLockStates(fixture.store, 100, context.signal);
	expect(locks).toMatchObject({ lockedBackups: 0 });
	expect(locks.backups).toHaveLength(DAYS);
	expect(locks.backups[0]).toMatchObject({ locked: 'none', lockedUntil: null, unlocked: expect.arrayContaining([expect.stringContaining('manifest.json')]) });

	const listed = await readTree(storeFolder);
	const bundle = await collectEvidence({ store: fixture.store, folder: base, evidence: [folder], note: 'A test' }, context);
	expect(bundle).toMatchObject({ listedFiles: FILES + 1, warnings: [] });
	const { stdout } = await run('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: bundle.folder });
	expect(stdout.trim().split('\n')).toHaveLength(bundle.files - 1);
	expect((await run('sha256sum', ['SHA256SUMS'], { cwd: bundle.folder })).stdout).toContain(bundle.sha256);
	const evidence = (await readFile(join(bundle.folder, 'evidence-1.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { path: string; sha256: string });
	const note = evidence.find(({ path }) => path.includes('HOW TO'))!;
	expect((await run('sha256sum', [note.path])).stdout).toContain(note.sha256);
	expect(await readFile(join(bundle.folder, 'store', 'backups', 'files', backup, 'manifest.json'), 'utf8')).toBe(await readFile(join(storeFolder, 'backups', 'files', backup, 'manifest.json'), 'utf8'));
	// Collecting evidence must not change it.
	expect(treeDifferences(listed, await readTree(storeFolder))).toEqual([]);

	// An object that cannot be read costs that object, not the evidence.
	const torn = Object.create(fixture.store) as Store;
	torn.get = async (key, options) => {
		if (key.startsWith('sets/')) throw new BackupError('STORE_UNAVAILABLE', 'The disk is torn.', 'Look at it.');
		return await fixture.store.get(key, options);
	};
	const partial = await collectEvidence({ store: torn, folder: base, evidence: [], note: '' }, { ...context, now: () => new Date('2026-11-22T00:00:00Z') });
	expect(partial.warnings).toHaveLength(DAYS + 1);
	expect(partial.warnings).toEqual(expect.arrayContaining(['The signs: The disk is torn.', expect.stringMatching(/^sets\/.*manifest\.json: The disk is torn\.$/)]));
	expect(JSON.parse(await readFile(join(partial.folder, 'about.json'), 'utf8'))).toMatchObject({ warnings: partial.warnings });

	// Seconds tell bundles apart, and one is never written over.
	const still = { ...context, now: () => new Date('2026-11-23T00:00:00Z') };
	await collectEvidence({ store: fixture.store, folder: base, evidence: [], note: '' }, still);
	expect(await failure(collectEvidence({ store: fixture.store, folder: base, evidence: [], note: '' }, still))).toMatchObject({ code: 'FOLDER_NOT_EMPTY' });
	expect(await failure(collectEvidence({ store: fixture.store, folder: join(base, 'nowhere'), evidence: [], note: '' }, context))).toMatchObject({ code: 'FOLDER_NOT_FOUND' });
});
