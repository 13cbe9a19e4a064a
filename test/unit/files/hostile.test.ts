import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifactKey, manifestKey } from '../../../lib/catalog/layout';
import type { Manifest } from '../../../lib/catalog/manifest';
import { sealManifest } from '../../../lib/catalog/manifest-digest';
import { writeSmallObject } from '../../../lib/catalog/small-object';
import { checkArchive } from '../../../lib/files/check-archive';
import { planFiles } from '../../../lib/files/restore/plan-files';
import { TargetFolder } from '../../../lib/files/restore/target-folder';
import { selection } from '../../../lib/files/selection';
import { fetchIndex } from '../../../lib/files/stored-index';
import { encodeTarHeader, padding, TAR_END, type TarMember } from '../../../lib/files/tar-header';
import { writeStored } from '../../../lib/pipeline/write-stored';
import { MemoryStore } from '../../support/memory-store';
import { chunks } from '../../support/bytes';
import { failure } from '../../support/failure';
import { FilesFixture } from '../../support/file-trees';
import { testContext } from '../../support/job-context';

// Other work on the machine may slow a test down; it says nothing about the package.
jest.setTimeout(30_000);

const store = new MemoryStore();
const ID = '20261122T020000Z-full-forged';
const NEVER = new AbortController().signal;
const CONTENT = 'hello';
const SHA = createHash('sha256').update(CONTENT).digest('hex');

let fixture: FilesFixture;
beforeEach(async () => {
	fixture = await FilesFixture.make(store);
	await mkdir(fixture.path('parent'));
	await writeFile(fixture.path('outside'), 'must stay as it is');
});
afterEach(async () => await fixture.remove());

const common = { mode: '0644', uid: 0, gid: 0, mtime: '1', ctime: '1', dev: '1', ino: '1', nlink: 1 };
const root = { path: '.', type: 'directory', ...common, mode: '0755' };
const folder = (path: string) => ({ path, type: 'directory', ...common, mode: '0755' });
const file = (path: string, more: object = {}) => ({ path, type: 'file', ...common, size: CONTENT.length, sha256: SHA, in: ID, ...more });
const link = (path: string, target: string) => ({ path, type: 'symlink', ...common, target });
const hardlink = (path: string, target: string) => ({ path, type: 'hardlink', ...common, size: CONTENT.length, target });

const member = (type: TarMember['type'], path: string, more: Partial<TarMember> = {}) =>
	encodeTarHeader({ type, path, size: type === 'file' ? CONTENT.length : 0, mode: 0o644, uid: 0, gid: 0, mtime: '1', ...more });
const content = Buffer.concat([Buffer.from(CONTENT), Buffer.alloc(padding(CONTENT.length))]);
const tarOf = (...parts: Buffer[]) => Buffer.concat([member('directory', ''), ...parts, TAR_END]);
const tarFile = (path: string) => Buffer.concat([member('file', path), content]);

/** Changes bytes of a header and sums it up anew. */
function forged(header: Buffer, at: number, bytes: string): Buffer {
	const block = Buffer.from(header);
	block.write(bytes, at, 'latin1');
	block.write('        ', 148, 'latin1');
	let sum = 0;
	for (const byte of block.subarray(0, 512)) sum += byte;
	block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
	return block;
}

/** Publishes what an attacker who can write to the store would: digests and all fit together. */
async function publish(entries: object[], tar: Buffer): Promise<Manifest> {
	const index = [{ format: 'backup-recovery-files', version: 1 }, ...entries].map((line) => `${JSON.stringify(line)}\n`).join('');
	const put = async (name: string, role: string, bytes: Buffer | string) => ({
		name,
		role,
		mediaType: 'application/octet-stream',
		...(await writeStored(store, artifactKey('files', ID, name), chunks(bytes), { compression: { algorithm: 'zstd', level: 1 }, encryption: null, signal: NEVER })),
	});
	const artifacts = [await put('files.tar.zst', 'archive', tar), await put('index.jsonl.zst', 'index', index)];
	const manifest = sealManifest({
		formatVersion: 1,
		id: ID,
		component: 'files',
		kind: 'full',
		status: 'success',
		startedAt: '2026-11-22T02:00:00.000Z',
		finishedAt: '2026-11-22T02:00:00.000Z',
		durationSeconds: 1,
		createdBy: { name: 'n8n-nodes-backup-recovery', version: '0.1.0', host: 'h' },
		source: { type: 'files', name: 'uploads', host: 'h', folder: '/uploads' },
		parent: null,
		sourceBytes: 0,
		storedBytes: 0,
		artifacts,
		warnings: [],
	});
	await writeSmallObject(store, manifestKey('files', ID), manifest, { signal: NEVER });
	return manifest;
}

async function expectRefused(entries: object[], tar: Buffer, wording: RegExp): Promise<void> {
	const manifest = await publish(entries, tar);
	const error = await failure(fixture.restore(fixture.path('parent/target')));
	expect(`${error.code} ${error.message}`).toMatch(wording);
	expect(error.code).toBe('ARCHIVE_REFUSED');
	expect(await readdir(fixture.path('parent'))).toEqual([]);
	expect(await readFile(fixture.path('outside'), 'utf8')).toBe('must stay as it is');
	expect((await readdir(fixture.base)).sort()).toEqual(['outside', 'parent']);
	const context = await testContext();
	try {
		expect((await failure(checkArchive(store, manifest, context))).code).toBe('ARCHIVE_REFUSED');
	} finally {
		await context.remove();
	}
}

describe('An index that would lead elsewhere is refused, with the name of the entry', () => {
	const tar = tarOf(tarFile('a'));
	test.each([
		['traversal', [root, file('../outside')], /"\.\.\/outside".*leads out/],
		['traversal further down', [root, folder('d'), file('d/../../outside')], /"d\/\.\.\/\.\.\/outside".*leads out/],
		['an absolute path', [root, file('/etc/cron.d/x')], /"\/etc\/cron\.d\/x".*absolute/],
		['a NUL in a name', [root, file('a\0b')], /NUL/],
		['a dot as a part', [root, file('./a')], /plain form/],
		['a file behind a link', [root, link('l', '..'), file('l/outside')], /"l\/outside" lies in "l", which is not a folder/],
		['a file behind a file', [root, file('a'), file('a/b')], /"a\/b" lies in "a"/],
		['a file in a folder that there is not', [root, file('d/b')], /"d\/b" lies in "d"/],
		['one name twice', [root, file('a'), file('a')], /"a" twice/],
		['a link that becomes a folder', [root, link('a', '..'), folder('a')], /"a" twice/],
		['names out of order', [root, file('b'), file('a')], /"a" is not where it should be/],
		['a hard link out', [root, hardlink('h', '../outside')], /"h" leads to "\.\.\/outside"/],
		['a hard link to an absolute path', [root, hardlink('h', '/etc/passwd')], /"h" leads to "\/etc\/passwd"/],
		['a hard link to what is not there', [root, hardlink('h', 'a')], /"h" leads to "a", which is not a file/],
		['a hard link to a symbolic one', [root, link('a', '/etc/passwd'), hardlink('h', 'a')], /"h" leads to "a"/],
		['a device', [root, { path: 'dev', type: 'device', ...common }], /"dev" is of the type "device"/],
		['no root', [file('a')], /begins with "a"/],
		['a root that is a link', [link('.', '/etc')], /begins with "\."/],
		['a size that is none', [root, file('a', { size: -1 })], /size of "a"/],
		['a name longer than any', [root, file('x'.repeat(300))], /longer than 255/],
		['something that is no JSON object', ['text'], /no entry/],
	])('%s', async (_name, entries, wording) => await expectRefused(entries as object[], tar, wording));
});

describe('An archive that does not fit its index is refused, with the name of the member', () => {
	const index = [root, file('a')];
	const header = member('file', 'a');
	test.each([
		['traversal', [root, file('a')], tarOf(Buffer.concat([forged(header, 0, './../outside'), content])), /"\.\/\.\.\/outside".*leads out/],
		['an absolute path', index, tarOf(Buffer.concat([forged(header, 0, '/outside'), content])), /"\/outside".*absolute/],
		['a path without its dot', index, tarOf(Buffer.concat([forged(header, 0, 'a\0\0'), content])), /"a".*plain form/],
		['a character device', index, tarOf(forged(header, 156, '3')), /"\.\/a", which is a character device/],
		['a block device', index, tarOf(forged(header, 156, '4')), /"\.\/a", which is a block device/],
		['a named pipe', index, tarOf(forged(header, 156, '6')), /"\.\/a", which is a named pipe/],
		['an unknown type', index, tarOf(forged(header, 156, 'Z')), /"\.\/a".*unknown type/],
		['a hard link out', index, tarOf(forged(member('hardlink', 'a', { target: 'b' }), 157, '../x')), /"\.\/a", a hard link to "\.\.\/x"/],
		['a link where a file should be', index, tarOf(member('symlink', 'a', { target: '/etc/passwd' })), /"a" is a symlink in it, and a file in the index/],
		['a huge claimed size', index, tarOf(member('file', 'a', { size: 100 * 2 ** 40 }), content), /"a" (claims|has) 109951162777600 bytes/],
		['one name twice as link and file', index, tarOf(member('symlink', 'a', { target: 'b' }), tarFile('a')), /"a"/],
		['names out of order', [root, file('a'), file('b')], tarOf(tarFile('b'), tarFile('a')), /"(a|b)"/],
		['a missing file', index, tarOf(), /does not hold "a"/],
		['a cut end', index, tarOf(tarFile('a')).subarray(0, 1100), /ends in the middle/],
		['something behind its end', index, Buffer.concat([tarOf(tarFile('a')), Buffer.from('more')]), /behind its end/],
		['a wrong checksum', index, tarOf(Buffer.concat([Buffer.from(header).fill('7', 100, 104), content])), /wrong checksum/],
		['a header that claims a gigabyte', index, tarOf(forged(forged(header, 156, 'x'), 124, '07777777777')), /claims 1073741823 bytes/],
	])('%s', async (_name, entries, tar, wording) => await expectRefused(entries, tar, wording));

	test('other content under a right name', async () => {
		await publish(index, tarOf(Buffer.concat([member('file', 'a'), Buffer.from('HELLO'), Buffer.alloc(507)])));
		expect(await failure(fixture.restore(fixture.path('parent/target')))).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('"a"') });
		expect(await readdir(fixture.path('parent'))).toEqual([]);
	});
});

test('Names that differ in case only are refused where the target does not tell them apart', async () => {
	const manifest = await publish([root, file('README'), file('Readme'), folder('x'), file('x/\u00e9'), file('x/e\u0301')].sort((a, b) => ((a as { path: string }).path < (b as { path: string }).path ? -1 : 1)), tarOf());
	const context = await testContext();
	try {
		const session = { context, store, chain: [manifest], indexFile: join(context.workFolder, 'i'), marksFile: join(context.workFolder, 'm'), target: new TargetFolder(fixture.path('parent'), 't'), inPlace: false, overwrite: 'always' as const, suffix: '', selection: selection({ include: [], exclude: [] }) };
		await fetchIndex(store, manifest, session.indexFile, context);
		const { conflicts } = await planFiles(session, false);
		expect(conflicts).toEqual([expect.stringContaining('"Readme" and "README" are one name'), expect.stringContaining('are one name')]);
		expect((await planFiles({ ...session, marksFile: join(context.workFolder, 'm2') }, true)).conflicts).toEqual([]);
	} finally {
		await context.remove();
	}
});

describe('Nothing is written through a link that lies in the live folder', () => {
	test.each(['never', 'older', 'always'] as const)('policy %s', async (overwrite) => {
		await publish([root, folder('d'), file('d/a')], tarOf(member('directory', 'd'), tarFile('d/a')));
		await mkdir(fixture.path('live'));
		await mkdir(fixture.path('elsewhere'));
		await symlink(fixture.path('elsewhere'), fixture.path('live/d'));
		const restoring = fixture.restore(fixture.path('live'), { mode: 'inPlace', confirmation: 'live', overwrite });
		if (overwrite === 'always') {
			const { keptFolder } = await restoring;
			expect(await readFile(fixture.path('live/d/a'), 'utf8')).toBe(CONTENT);
			expect(await readdir(keptFolder!)).toEqual(['d']);
		} else expect(await failure(restoring)).toMatchObject({ code: 'PATH_REFUSED', message: expect.stringContaining('"d" is a folder in the backup and a symbolic link in the target') });
		expect(await readdir(fixture.path('elsewhere'))).toEqual([]);
	});
});
