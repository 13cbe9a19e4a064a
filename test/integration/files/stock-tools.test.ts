import { execFile } from 'node:child_process';
import { chmod, chown, link, lutimes, mkdir, mkdtemp, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FilesFixture, readTree, type Tree, treeDifferences } from '../../support/file-trees';
import { keysOf, newAgePair } from '../../support/age';
import { testContext } from '../../support/job-context';
import { openStore } from '../../../lib/storage/open-store';

// Other work on the machine may slow a test down; it says nothing about the package.
jest.setTimeout(60_000);

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0;

let base: string;
let fixture: FilesFixture;
let folder: string;
beforeEach(async () => {
	base = await mkdtemp(join(tmpdir(), 'backup-recovery-stock-'));
	await mkdir(join(base, 'store'));
	const context = await testContext();
	fixture = await FilesFixture.make(openStore({ type: 'folder', path: join(base, 'store'), prefix: '' }, context));
	await context.remove();
	folder = fixture.path('uploads');
	await mkdir(folder);
});
afterEach(async () => {
	await fixture.remove();
	await rm(base, { recursive: true, force: true });
});

/** Runs the commands of a backup's RESTORE.txt, as a person would, with another folder as target. */
async function restoreByHand(id: string, target: string): Promise<void> {
	const place = join(base, 'store', 'backups', 'files', id);
	const text = await readFile(join(place, 'RESTORE.txt'), 'utf8');
	const commands = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, command]) => command ?? '').filter((command) => !command.includes('jq'));
	for (const command of commands) await run('bash', ['-euo', 'pipefail', '-c', command.replaceAll('/restored', target)], { cwd: place });
}

/** Stock tools restore times to the nanosecond, links' too, but leave the times of folders that later archives change. */
function expectSame(one: Tree, other: Tree): void {
	expect(treeDifferences(one, other)).toEqual([]);
}

async function varied(): Promise<void> {
	await mkdir(join(folder, 'd', 'e'), { recursive: true });
	for (const name of ['plain', 'with space', 'new\nline', 'ümläut 💾', '-rf', '.hidden', 'y'.repeat(200), `d/${'z'.repeat(150)}`, 'd/e/deep']) await writeFile(join(folder, name), name);
	await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe, 0x2d])]), 'not utf-8');
	await writeFile(join(folder, 'big'), Buffer.alloc(2_000_000, 'big'));
	await writeFile(join(folder, 'sparse'), 'x');
	await truncate(join(folder, 'sparse'), 10_000_000);
	await chmod(join(folder, 'plain'), 0o4751);
	await chmod(join(folder, 'd'), 0o2750);
	await utimes(join(folder, 'plain'), 1234567890.125, 1234567890.125);
	await utimes(join(folder, '.hidden'), -5.5, -5.5);
	await link(join(folder, 'plain'), join(folder, 'z second name'));
	await symlink('d/e', join(folder, 'link'));
	await symlink('q'.repeat(300), join(folder, 'long link'));
	await lutimes(join(folder, 'link'), 1e9, 1e9);
	if (asRoot) await chown(join(folder, 'with space'), 3_000_000, 12345);
}

test('GNU tar restores a full archive: names, contents, modes, owners, times, links', async () => {
	await varied();
	const { id } = await fixture.archive(folder);
	const target = fixture.path('by-hand');
	await restoreByHand(id, target);
	expectSame(await readTree(folder), await readTree(target));
});

test('Stock tools restore a chain, each backup by its own RESTORE.txt, deletions included', async () => {
	await varied();
	const ids = [(await fixture.archive(folder, { mode: 'incremental' })).id];
	await rm(join(folder, 'd', 'e'), { recursive: true });
	await rm(join(folder, 'new\nline'));
	await rm(join(folder, 'link'));
	await mkdir(join(folder, 'link'));
	await writeFile(join(folder, 'link', 'now a folder'), 'x');
	await writeFile(join(folder, 'with space'), 'changed');
	ids.push((await fixture.archive(folder, { mode: 'incremental' })).id);
	await rm(join(folder, 'd'), { recursive: true });
	await writeFile(join(folder, 'd'), 'now a file');
	await writeFile(join(folder, 'plain'), 'changed under both names');
	ids.push((await fixture.archive(folder, { mode: 'incremental' })).id);
	const target = fixture.path('by-hand');
	for (const id of ids) await restoreByHand(id, target);
	expectSame(await readTree(folder), await readTree(target));
	await fixture.restore(fixture.path('by-us'));
	expectSame(await readTree(folder), await readTree(fixture.path('by-us')));
});

test('The sums in the index, made with jq or not, are those of the files', async () => {
	await writeFile(join(folder, 'a'), 'content');
	const { id } = await fixture.archive(folder);
	const { stdout } = await run('bash', ['-c', `zstd -dc index.jsonl.zst | tail -1`], { cwd: join(base, 'store', 'backups', 'files', id) });
	expect(JSON.parse(stdout)).toMatchObject({ path: 'a', type: 'file', size: 7, sha256: 'ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73', in: id });
});

test('Encrypted archives are restored with stock age', async () => {
	await writeFile(join(folder, 'a'), 'content');
	const pair = await newAgePair();
	const { id } = await fixture.archive(folder, {}, undefined, { keys: keysOf(pair) });
	await writeFile(join(base, 'store', 'backups', 'files', id, 'identity.txt'), pair.identity, { mode: 0o600 });
	await restoreByHand(id, fixture.path('by-hand'));
	expectSame(await readTree(folder), await readTree(fixture.path('by-hand')));
});

test('10,000 small files', async () => {
	for (let at = 0; at < 100; at++) {
		await mkdir(join(folder, `d${at}`));
		for (let file = 0; file < 100; file++) await writeFile(join(folder, `d${at}`, `f${file}`), `${at} ${file}`);
	}
	expect((await fixture.archive(folder)).files?.tree.files).toBe(10_000);
	expect((await fixture.archive(folder, { mode: 'incremental' })).files?.carried.files).toBe(0);
	await fixture.restore(fixture.path('by-us'));
	expectSame(await readTree(folder), await readTree(fixture.path('by-us')));
});
