import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type FileSource, realFiles } from '../../../lib/files/read-file';
import { failure } from '../../support/failure';
import { FilesFixture, readTree } from '../../support/file-trees';

// Other work on the machine may slow a test down; it says nothing about the package.
jest.setTimeout(30_000);

let fixture: FilesFixture;
let folder: string;
beforeEach(async () => {
	fixture = await FilesFixture.make();
	folder = fixture.path('uploads');
	await mkdir(folder);
	for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), `content of ${name}`);
});
afterEach(async () => await fixture.remove());

/** Does something to a file whenever it is opened, or read from; `times` bounds how often. */
function meddling(name: string, moment: 'open' | 'read', times: number, meddle: () => void): FileSource {
	let left = times;
	return {
		open: async (root, path) => {
			const act = () => {
				if (path !== name || left <= 0) return;
				left -= 1;
				meddle();
			};
			if (moment === 'open') act();
			const file = await realFiles.open(root, path);
			return {
				stat: () => file.stat(),
				close: () => file.close(),
				read: async (buffer, position) => {
					const bytes = await file.read(buffer, position);
					if (moment === 'read') act();
					return bytes;
				},
			};
		},
	};
}

const restored = async () => {
	const target = fixture.path('restored');
	await fixture.restore(target);
	return target;
};

test('A file that changes once while it is read is read again, and is consistent', async () => {
	const { warnings, files } = await fixture.archive(folder, {}, meddling('b', 'read', 1, () => writeFileSync(join(folder, 'b'), 'new content of b')));
	expect(warnings).toEqual([]);
	expect(files?.inconsistent).toBe(0);
	expect(await readFile(join(await restored(), 'b'), 'utf8')).toBe('new content of b');
});

test('A file that never stops changing is kept and named, and the archive stays readable', async () => {
	const { warnings, files } = await fixture.archive(folder, { retries: 1 }, meddling('b', 'read', Infinity, () => appendFileSync(join(folder, 'b'), '+')));
	expect(warnings).toEqual([expect.stringMatching(/^1 changed while they were being read.*"b"/)]);
	expect(files?.inconsistent).toBe(1);
	const target = await restored();
	expect(await readFile(join(target, 'b'), 'utf8')).toMatch(/^content of b\+*$/);
	expect(await readFile(join(target, 'c'), 'utf8')).toBe('content of c');
	// The next backup takes it again, although nothing about it has changed since.
	expect((await fixture.archive(folder, { mode: 'incremental' })).files?.inconsistent).toBe(0);
});

describe('A large file', () => {
	const SIZE = 3_000_000;
	beforeEach(async () => await writeFile(join(folder, 'large'), Buffer.alloc(SIZE, 'x')));

	test('that changes once is stored again; the last copy counts', async () => {
		const { warnings } = await fixture.archive(folder, {}, meddling('large', 'read', 1, () => writeFileSync(join(folder, 'large'), Buffer.alloc(SIZE - 1000, 'y'))));
		expect(warnings).toEqual([]);
		expect((await readFile(join(await restored(), 'large'))).equals(Buffer.alloc(SIZE - 1000, 'y'))).toBe(true);
	});

	test('that grows, is cut at the size of its header', async () => {
		const { files } = await fixture.archive(folder, { retries: 0 }, meddling('large', 'read', Infinity, () => appendFileSync(join(folder, 'large'), 'more')));
		expect(files?.inconsistent).toBe(1);
		expect((await readFile(join(await restored(), 'large'))).equals(Buffer.alloc(SIZE, 'x'))).toBe(true);
	});

	test('that shrinks, is filled up with zeros', async () => {
		const { files } = await fixture.archive(folder, { retries: 0 }, meddling('large', 'read', 1, () => truncateSync(join(folder, 'large'), 10)));
		expect(files?.inconsistent).toBe(1);
		const content = await readFile(join(await restored(), 'large'));
		expect(content).toHaveLength(SIZE);
		expect(content.at(-1)).toBe(0);
	});

	test('that vanishes between two attempts, is kept as it was read', async () => {
		const { files } = await fixture.archive(folder, {}, meddling('large', 'read', 1, () => {
			appendFileSync(join(folder, 'large'), '!');
			rmSync(join(folder, 'large'));
		}));
		expect(files?.inconsistent).toBe(1);
		expect(Object.keys(await readTree(await restored()))).toContain('large');
	});
});

test('What vanishes, or becomes something else, is named and left out', async () => {
	const { warnings, files } = await fixture.archive(folder, {}, meddling('b', 'open', 1, () => rmSync(join(folder, 'b'))));
	expect(warnings).toEqual([expect.stringMatching(/^1 vanished.*"b"/)]);
	expect(files).toMatchObject({ leftOut: { vanished: 1 }, tree: { files: 2 } });
	expect(Object.keys(await readTree(await restored()))).toEqual(['', 'a', 'c']);
});

test('A file that is exchanged for a link is not followed', async () => {
	await writeFile(fixture.path('secret'), 'not part of the folder');
	const swap = meddling('b', 'open', 1, () => {
		renameSync(join(folder, 'b'), join(folder, 'z'));
		symlinkSync(fixture.path('secret'), join(folder, 'b'));
	});
	const { warnings } = await fixture.archive(folder, {}, swap);
	expect(warnings).toEqual([expect.stringMatching(/^1 vanished.*"b"/)]);
	const target = await restored();
	await expect(readFile(join(target, 'b'))).rejects.toThrow('ENOENT');
});

describe('A file that cannot be read', () => {
	const refusing: FileSource = {
		open: async (root, path) => {
			if (path === 'b') throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
			return await realFiles.open(root, path);
		},
	};

	test('fails the run, as chosen, and is named', async () => {
		expect(await failure(fixture.archive(folder, {}, refusing))).toMatchObject({ code: 'FILES_UNREADABLE', message: expect.stringContaining('"b"') });
		expect(await failure(fixture.restore(fixture.path('x')))).toMatchObject({ code: 'BACKUP_NOT_FOUND' });
	});

	test('is named and left out, as chosen', async () => {
		const { warnings, files } = await fixture.archive(folder, { unreadable: 'name' }, refusing);
		expect(warnings).toEqual([expect.stringMatching(/^1 could not be read.*"b"/)]);
		expect(files?.leftOut?.unreadable).toBe(1);
	});
});

test('Sockets and named pipes are named and left out', async () => {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
	try {
		const { warnings } = await fixture.archive(folder);
		expect(warnings).toEqual([expect.stringMatching(/^1 are sockets.*"socket"/)]);
	} finally {
		server.close();
	}
});

describe('Patterns', () => {
	beforeEach(async () => {
		for (const name of ['cache', 'logs/old', '.git']) mkdirSync(join(folder, name), { recursive: true });
		for (const name of ['cache/x', 'logs/app.log', 'logs/old/app.log.1', '.git/config', '.env', 'keep.tmp.txt', 'drop.tmp']) writeFileSync(join(folder, name), name);
	});
	const archived = async (patterns: { include?: string[]; exclude?: string[] }) => {
		await fixture.archive(folder, patterns);
		return Object.keys(await readTree(await restored()));
	};

	test('exclude names anywhere, and paths', async () => {
		expect(await archived({ exclude: ['*.tmp', 'cache', 'logs/*/**', '/a'] })).toEqual(['', '.env', '.git', '.git/config', 'b', 'c', 'keep.tmp.txt', 'logs', 'logs/app.log', 'logs/old']);
	});

	test('include names, with the folders that lead to them', async () => {
		expect(await archived({ include: ['*.log', 'logs/old/**', '.env'] })).toEqual(['', '.env', 'logs', 'logs/app.log', 'logs/old', 'logs/old/app.log.1']);
	});

	test('that can match nothing are refused', async () => {
		for (const pattern of ['../x', '/', './']) expect(await failure(fixture.archive(folder, { exclude: [pattern] }))).toMatchObject({ code: 'INVALID_INPUT' });
	});
});

test('The store and temporary files are not archived into themselves', async () => {
	const store = join(folder, 'backups');
	await mkdir(store);
	await writeFile(join(store, 'big'), 'backup');
	await symlink(store, fixture.path('link'));
	const { files } = await fixture.archive(folder, { ownFolders: [fixture.path('link')] });
	expect(files?.tree.files).toBe(3);
	expect(await failure(fixture.archive(folder, { ownFolders: [folder] }))).toMatchObject({ code: 'INVALID_INPUT' });
});

test('A folder that is not there, or is none, fails with its name', async () => {
	expect(await failure(fixture.archive(fixture.path('nowhere')))).toMatchObject({ code: 'FOLDER_NOT_FOUND' });
	expect(await failure(fixture.archive(join(folder, 'a')))).toMatchObject({ code: 'FOLDER_NOT_FOUND' });
});

test('Configuration is not written unencrypted, unless somebody allows it', async () => {
	await chmod(join(folder, 'a'), 0o600);
	expect(await failure(fixture.archive(folder, { component: 'config' }))).toMatchObject({ code: 'ENCRYPTION_REQUIRED' });
	expect((await fixture.archive(folder, { component: 'config', allowUnencrypted: true })).warnings).toEqual([expect.stringContaining('not encrypted')]);
});
