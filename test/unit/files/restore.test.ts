import { chmod, mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../../support/failure';
import { FilesFixture, readTree, treeDifferences } from '../../support/file-trees';

// Other work on the machine may slow a test down; it says nothing about the package.
jest.setTimeout(30_000);

let fixture: FilesFixture;
let folder: string;
beforeEach(async () => {
	fixture = await FilesFixture.make();
	folder = fixture.path('uploads');
	await mkdir(join(folder, 'sub'), { recursive: true });
	for (const name of ['a', 'b', 'sub/c']) {
		await writeFile(join(folder, name), `backed up ${name}`);
		await utimes(join(folder, name), 1_000_000_000, 1_000_000_000);
	}
	await fixture.archive(folder);
});
afterEach(async () => await fixture.remove());

const inPlace = { mode: 'inPlace', confirmation: 'uploads' } as const;
const content = async (path: string) => await readFile(join(folder, path), 'utf8');

test('A dry run says what would be done and changes nothing', async () => {
	await writeFile(join(folder, 'a'), 'newer');
	await rm(join(folder, 'b'));
	const before = await readTree(folder);
	const result = await fixture.restore(folder, { ...inPlace, confirmation: '', dryRun: true });
	expect(result).toMatchObject({ dryRun: true, files: { create: 1, replace: 1, same: 1, keep: 0, bytes: 22 }, keptFolder: null });
	expect(result.plan.join('\n')).toContain('1 new, 1 in place of others');
	expect(result.checks).toContainEqual(expect.objectContaining({ check: 'Confirmation', state: 'warning' }));
	expect(treeDifferences(before, await readTree(folder))).toEqual([]);
	await fixture.restore(fixture.path('beside'), { dryRun: true });
	expect(await readdir(fixture.base)).toEqual(['uploads']);
});

test('In place needs the name of the folder', async () => {
	await rm(join(folder, 'a'));
	for (const confirmation of ['', 'upload', 'UPLOADS']) expect(await failure(fixture.restore(folder, { ...inPlace, confirmation }))).toMatchObject({ code: 'NOT_CONFIRMED' });
	expect(await readdir(folder)).toEqual(['b', 'sub']);
});

describe('What is there already', () => {
	beforeEach(async () => {
		await writeFile(join(folder, 'a'), 'newer than the backup');
		await writeFile(join(folder, 'b'), 'older than the backup');
		await utimes(join(folder, 'b'), 900_000_000, 900_000_000);
		await rm(join(folder, 'sub/c'));
		await writeFile(join(folder, 'unknown'), 'not in the backup');
	});

	test('stays, with the policy "never"', async () => {
		expect((await fixture.restore(folder, { ...inPlace, overwrite: 'never' })).files).toMatchObject({ create: 1, replace: 0, keep: 2 });
		expect([await content('a'), await content('b'), await content('sub/c')]).toEqual(['newer than the backup', 'older than the backup', 'backed up sub/c']);
	});

	test('gives way where it is older, with the policy "older", and is kept', async () => {
		const { keptFolder } = await fixture.restore(folder, { ...inPlace, overwrite: 'older' });
		expect([await content('a'), await content('b')]).toEqual(['newer than the backup', 'backed up b']);
		expect(await readFile(join(keptFolder!, 'b'), 'utf8')).toBe('older than the backup');
	});

	test('gives way where it differs, with the policy "always", and is kept; what the backup does not know stays', async () => {
		const { keptFolder, files } = await fixture.restore(folder, inPlace);
		expect(files).toMatchObject({ create: 1, replace: 2 });
		expect([await content('a'), await content('b'), await content('unknown')]).toEqual(['backed up a', 'backed up b', 'not in the backup']);
		expect((await readdir(keptFolder!)).sort()).toEqual(['a', 'b']);
	});

	test('is moved away where the backup does not know it, when asked', async () => {
		const { keptFolder, files } = await fixture.restore(folder, { ...inPlace, removeUnknown: true });
		expect(files.unknown).toBe(1);
		expect(await readFile(join(keptFolder!, 'unknown'), 'utf8')).toBe('not in the backup');
		expect((await readdir(folder)).filter((name) => !name.startsWith('.before-restore-')).sort()).toEqual(['a', 'b', 'sub']);
	});

	test('stays beside files restored with a suffix', async () => {
		await fixture.restore(folder, { ...inPlace, suffix: '.restored', include: ['a'] });
		expect([await content('a'), await content('a.restored')]).toEqual(['newer than the backup', 'backed up a']);
	});

	test('of another type is a conflict, or set aside whole', async () => {
		await rm(join(folder, 'a'));
		await mkdir(join(folder, 'a'));
		await writeFile(join(folder, 'a', 'inside'), 'x');
		expect(await failure(fixture.restore(folder, { ...inPlace, overwrite: 'older' }))).toMatchObject({ code: 'PATH_REFUSED', message: expect.stringContaining('"a"') });
		const { keptFolder } = await fixture.restore(folder, inPlace);
		expect(await content('a')).toBe('backed up a');
		expect(await readFile(join(keptFolder!, 'a', 'inside'), 'utf8')).toBe('x');
	});
});

test('Nothing is replaced that is equal already', async () => {
	expect(await fixture.restore(folder, inPlace)).toMatchObject({ files: { create: 0, replace: 0, same: 3, bytes: 0 }, keptFolder: null });
});

test('Chosen paths come with the folders that lead to them, and nothing else', async () => {
	await fixture.restore(fixture.path('chosen'), { include: ['sub/*'] });
	expect(Object.keys(await readTree(fixture.path('chosen')))).toEqual(['', 'sub', 'sub/c']);
});

test('A second name of a file comes with its content when its first name is not chosen', async () => {
	const { link } = await import('node:fs/promises');
	for (const name of ['sub/c2', 'sub/c3']) await link(join(folder, 'a'), join(folder, name));
	await fixture.archive(folder);
	await fixture.restore(fixture.path('chosen'), { include: ['sub/c2', 'sub/c3'] });
	const tree = await readTree(fixture.path('chosen'));
	expect(tree['sub/c3']).toMatchObject({ sameAs: 'sub/c2' });
	expect(await readFile(fixture.path('chosen/sub/c2'), 'utf8')).toBe('backed up a');
});

test('A target that is not empty is refused, one that is there and empty is filled', async () => {
	expect(await failure(fixture.restore(folder))).toMatchObject({ code: 'FOLDER_NOT_EMPTY' });
	await mkdir(fixture.path('empty'));
	await fixture.restore(fixture.path('empty'));
	expect(treeDifferences(await readTree(folder), await readTree(fixture.path('empty')))).toEqual([]);
	expect(await failure(fixture.restore(fixture.path('no/where')))).toMatchObject({ code: 'FOLDER_NOT_FOUND' });
	expect(await failure(fixture.restore(fixture.path('nowhere'), { mode: 'inPlace' }))).toMatchObject({ code: 'FOLDER_NOT_FOUND' });
});

test('A target that is a link is what the link leads to', async () => {
	await mkdir(fixture.path('real'));
	await symlink(fixture.path('real'), fixture.path('link'));
	await fixture.restore(fixture.path('link'));
	expect(await readdir(fixture.path('real'))).toEqual(['a', 'b', 'sub']);
});

test('A damaged archive changes nothing in place, and leaves nothing beside', async () => {
	const { store } = fixture;
	const objects = (store as unknown as { objects: Map<string, { content: Buffer }> }).objects;
	const key = [...objects.keys()].find((name) => name.endsWith('files.tar.zst'))!;
	const bytes = objects.get(key)!.content;
	bytes[bytes.length >> 1]! ^= 1;
	await writeFile(join(folder, 'a'), 'live');
	await rm(join(folder, 'b'));
	await chmod(join(folder, 'sub'), 0o700);
	const before = await readTree(folder);
	expect(await failure(fixture.restore(folder, inPlace))).toMatchObject({ code: 'ARTIFACT_DAMAGED' });
	expect(treeDifferences(before, await readTree(folder))).toEqual([]);
	expect(await failure(fixture.restore(fixture.path('beside')))).toMatchObject({ code: 'ARTIFACT_DAMAGED' });
	expect(await readdir(fixture.base)).toEqual(['uploads']);
});

test('A cancelled restore beside leaves nothing', async () => {
	const controller = new AbortController();
	const progress = ({ step }: { step: string }) => {
		if (step.startsWith('Reading the archive')) controller.abort();
	};
	expect(await failure(fixture.restore(fixture.path('beside'), {}, { signal: controller.signal, progress }))).toMatchObject({ code: 'CANCELLED' });
	expect(await readdir(fixture.base)).toEqual(['uploads']);
});
