import { chmod, link, lutimes, mkdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FilesFixture, readTree, treeDifferences } from '../../support/file-trees';

// Other work on the machine may slow a test down; it says nothing about the package.
jest.setTimeout(30_000);

let fixture: FilesFixture;
let folder: string;
beforeEach(async () => {
	fixture = await FilesFixture.make();
	folder = fixture.path('uploads');
	await mkdir(folder);
});
afterEach(async () => await fixture.remove());

const asRoot = process.getuid?.() === 0;

async function expectRestored(): Promise<void> {
	await fixture.archive(folder);
	const target = fixture.path(`restored-${Math.random().toString(36).slice(2)}`);
	await fixture.restore(target);
	expect(treeDifferences(await readTree(folder), await readTree(target))).toEqual([]);
}

describe('A full archive restores', () => {
	test('names of every kind', async () => {
		const names = ['plain.txt', ' leading space', 'trailing space ', '-rf', '.hidden', 'new\nline', 'back\\slash', 'quote"\'`$(x)', 'ümläut', 'u\u0308 decomposed', '日本語 💾', 'tab\t', '*?[a]', 'x'.repeat(255), '..twodots', '...'];
		for (const name of names) await writeFile(join(folder, name), name);
		await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff, 0xfe, 0x80])]), 'not utf-8');
		let deep = folder;
		for (let at = 0; at < 12; at++) {
			deep = join(deep, `${'long-folder-name-'.repeat(8)}${at}`);
			await mkdir(deep);
		}
		await writeFile(join(deep, 'at the bottom.txt'), 'deep');
		await expectRestored();
	});

	test('empty things, times, modes', async () => {
		await mkdir(join(folder, 'empty'));
		await writeFile(join(folder, 'nothing'), '');
		await writeFile(join(folder, 'a'), 'a');
		await writeFile(join(folder, 'a-b'), 'sorts between a and a/b as bytes');
		await mkdir(join(folder, 'closed'));
		await writeFile(join(folder, 'closed', 'in'), 'in');
		await utimes(join(folder, 'a'), 1234567890.123456, 1234567890.123456);
		await utimes(join(folder, 'nothing'), -86400.5, -86400.5);
		await chmod(join(folder, 'a'), 0o4755);
		await chmod(join(folder, 'empty'), 0o1777);
		await chmod(join(folder, 'nothing'), asRoot ? 0o000 : 0o400);
		await chmod(join(folder, 'closed'), 0o555);
		await expectRestored();
		await chmod(join(folder, 'closed'), 0o755);
	});

	test('links of every kind, as links', async () => {
		await mkdir(join(folder, 'd'));
		await writeFile(join(folder, 'd', 'file'), 'content');
		await link(join(folder, 'd', 'file'), join(folder, 'a second name'));
		await link(join(folder, 'd', 'file'), join(folder, 'z third name'));
		await symlink('d/file', join(folder, 'to file'));
		await symlink('d', join(folder, 'to folder'));
		await symlink('nowhere', join(folder, 'dangling'));
		await symlink('.', join(folder, 'd', 'loop'));
		await symlink('/etc', join(folder, 'out'));
		await symlink(Buffer.from([0x61, 0xff]), join(folder, 'odd target'));
		await lutimes(join(folder, 'dangling'), 1e9, 1e9);
		await expectRestored();
	});

	test('sparse files, with their holes', async () => {
		const sparse = join(folder, 'disk.img');
		await writeFile(sparse, 'front');
		await truncate(sparse, 50_000_000);
		const target = fixture.path('restored');
		await fixture.restore(target, { backup: { by: 'id', id: (await fixture.archive(folder)).id } });
		expect(treeDifferences(await readTree(folder), await readTree(target))).toEqual([]);
		const { blocks } = await (await import('node:fs/promises')).stat(join(target, 'disk.img'));
		expect(blocks * 512).toBeLessThan(1_000_000);
	});

	test('files larger than what is read at once', async () => {
		await writeFile(join(folder, 'large'), Buffer.alloc(5_000_001, 'large file '));
		await expectRestored();
	});

});

test('A chain of incremental backups restores each state', async () => {
	const states: Record<string, Awaited<ReturnType<typeof readTree>>> = {};
	const backUp = async () => {
		const { id, kind, files } = await fixture.archive(folder, { mode: 'incremental' });
		states[id] = await readTree(folder);
		return { kind, carried: files?.carried.files, deleted: files?.deleted };
	};
	await mkdir(join(folder, 'sub', 'deeper'), { recursive: true });
	for (const name of ['one', 'two', 'sub/three', 'sub/deeper/four']) await writeFile(join(folder, name), name);
	expect(await backUp()).toEqual({ kind: 'full', carried: 4, deleted: 0 });
	expect(await backUp()).toEqual({ kind: 'incremental', carried: 0, deleted: 0 });
	await writeFile(join(folder, 'one'), 'two');
	await rm(join(folder, 'sub/deeper'), { recursive: true });
	await writeFile(join(folder, 'five'), 'five');
	expect(await backUp()).toEqual({ kind: 'incremental', carried: 2, deleted: 2 });
	await chmod(join(folder, 'two'), 0o600);
	await rename(join(folder, 'five'), join(folder, 'sub', 'six'));
	expect(await backUp()).toEqual({ kind: 'incremental', carried: 1, deleted: 1 });
	await rm(join(folder, 'two'));
	await mkdir(join(folder, 'two'));
	await link(join(folder, 'one'), join(folder, 'two', 'again'));
	await rm(join(folder, 'sub'), { recursive: true });
	await symlink('two', join(folder, 'sub'));
	expect(await backUp()).toMatchObject({ kind: 'incremental' });
	for (const [id, state] of Object.entries(states)) {
		const target = fixture.path(id);
		await fixture.restore(target, { backup: { by: 'id', id } });
		expect(treeDifferences(state, await readTree(target))).toEqual([]);
	}
});
