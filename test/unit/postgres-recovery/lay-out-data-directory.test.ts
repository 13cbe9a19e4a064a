import fc from 'fast-check';
import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../../lib/catalog/manifest';
import { checkBaseBackup } from '../../../lib/postgres/basebackup/check-base-backup';
import { IncrementalFileReader } from '../../../lib/postgres/basebackup/incremental-file';
import { layOutDataDirectory } from '../../../lib/postgres/recovery/lay-out-data-directory';
import { times } from '../../support/breadth';
import { failure } from '../../support/failure';
import { block, type HandMade, incrementalFile, type Member, publishHandMade } from '../../support/hand-made-base-backup';
import { type TestContext, testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';

let context: TestContext;
let root: string;
const store = new MemoryStore();

beforeAll(async () => (context = await testContext()));
afterAll(async () => await context.remove());
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'backup-recovery-layout-'))));
afterEach(async () => await rm(root, { recursive: true, force: true }));

const publish = async (made: HandMade): Promise<Manifest> => await publishHandMade(store, context, made);
const layOut = async (...chain: Manifest[]) => await layOutDataDirectory(store, chain, { dataFolder: join(root, 'data'), tablespaceFolder: (oid) => join(root, 'spaces', String(oid)) }, context);
const read = async (path: string): Promise<string> => await readFile(join(root, 'data', path), 'latin1');
const folder = (path: string): Member => ({ path, flag: '5' });
const BASE = folder('base');
const FIVE = folder('base/5');

describe('archives that are not what a server sends', () => {
	it.each<[string, Member[]]>([
		['a path out of the folder', [{ path: '../evil', content: 'x' }]],
		['a path out of the folder, later', [{ path: 'base/../../evil', content: 'x' }]],
		['an absolute path', [{ path: '/tmp/evil', content: 'x' }]],
		['an empty part', [{ path: 'base//x', content: 'x' }]],
		['a dot', [{ path: 'base/./x', content: 'x' }]],
		['a folder outside', [folder('../evil')]],
		['a symbolic link', [{ path: 'base', flag: '2' }]],
		['a link in the place of a tablespace that there is not', [{ path: 'pg_tblspc/77', flag: '2' }]],
		['a hard link', [{ path: 'x', flag: '1' }]],
		['a device', [{ path: 'x', flag: '3' }]],
		['a long name', [{ path: 'x', flag: 'L', content: 'x' }]],
		['a file twice', [{ path: 'x', content: 'x' }, { path: 'x', content: 'x' }]],
		['a file in the place of a folder', [BASE, { path: 'base', content: 'x' }]],
		['a folder in the place of a file', [{ path: 'base', content: 'x' }, FIVE]],
		['a file that the manifest does not list', [{ path: 'x', content: 'x', unlisted: true }]],
		['an incremental file in a full backup', [BASE, FIVE, { path: 'base/5/INCREMENTAL.1', content: incrementalFile(0, {}) }]],
		['a segment twice', [{ path: 'pg_wal/000000010000000000000002', content: 'x', unlisted: true }]],
	])('%s is refused, and nothing is written outside', async (_name, members) => {
		const full = await publish({ members });
		expect(await failure(layOut(full))).toMatchObject({ code: 'ARTIFACT_DAMAGED' });
		expect(await readdir(root)).toEqual(['data']);
	});

	it('a tablespace cannot lead out of its folder', async () => {
		const full = await publish({ members: [], tablespaces: { 16384: [{ path: '../../evil', content: 'x' }] } });
		expect(await failure(layOut(full))).toMatchObject({ code: 'ARTIFACT_DAMAGED' });
		expect((await readdir(root)).sort()).toEqual(['data', 'spaces']);
		expect(await readdir(join(root, 'spaces'))).toEqual(['16384']);
	});

	it.each<[string, Buffer]>([
		['another magic number', incrementalFile(1, { 0: 'x' }, { magic: 1 })],
		['more blocks than there are', incrementalFile(1, { 0: 'x' }, { count: 2 })],
		['4 billion blocks', incrementalFile(1, { 0: 'x' }, { count: 0xffffffff })],
		['fewer blocks than there are', incrementalFile(3, { 0: 'x', 1: 'x' }, { count: 1 })],
		['a block far behind the end', incrementalFile(1, { 200_000: 'x' })],
		['a cut-off head', incrementalFile(1, {}).subarray(0, 11)],
		['nothing in it', Buffer.alloc(0)],
	])('an incremental file with %s is refused, also when only the structure is checked', async (_name, content) => {
		const full = await publish({ members: [BASE, FIVE, { path: 'base/5/1', content: block('a') }] });
		const next = await publish({ members: [BASE, FIVE, { path: 'base/5/INCREMENTAL.1', content }], parent: full, startLsn: '0/300000' });
		expect(await failure(layOut(full, next))).toMatchObject({ code: 'ARTIFACT_DAMAGED' });
		expect(await failure(checkBaseBackup(store, next, context))).toMatchObject({ code: 'ARTIFACT_DAMAGED' });
	});
});

describe('laying out', () => {
	it('makes files and folders that only the server may read, links tablespaces, and forgets where they were', async () => {
		const full = await publish({ members: [{ path: 'tablespace_map', content: '16384 /srv/fast\n' }, BASE, FIVE, { path: 'base/5/1', content: block('a') }, { path: 'PG_VERSION', content: '17\n' }], tablespaces: { 16384: [folder('PG_17'), { path: 'PG_17/2', content: 'there' }] } });
		expect(await layOut(full)).toEqual({ files: 4, bytes: expect.any(Number) });
		expect((await readdir(join(root, 'data'))).sort()).toEqual(['PG_VERSION', 'backup_label', 'backup_manifest', 'base', 'pg_tblspc', 'pg_wal']);
		expect(await readlink(join(root, 'data/pg_tblspc/16384'))).toBe('../../spaces/16384');
		expect(await read('pg_tblspc/16384/PG_17/2')).toBe('there');
		for (const [path, mode] of [['', 0o700], ['base/5', 0o700], ['base/5/1', 0o600], ['backup_manifest', 0o600], ['pg_tblspc/16384/PG_17', 0o700]] as const) expect((await stat(join(root, 'data', path))).mode & 0o777).toBe(mode);
		expect(await read('backup_manifest')).not.toContain('tablespace_map');
	});

	it('refuses a folder that is in use', async () => {
		const full = await publish({ members: [{ path: 'PG_VERSION', content: '17\n' }] });
		await layOut(full);
		expect(await failure(layOut(full))).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('was not empty') });
	});

	it('ends when it is cancelled', async () => {
		const full = await publish({ members: [] });
		const other = await testContext();
		other.abort();
		expect(await failure(layOutDataDirectory(store, [full], { dataFolder: join(root, 'data'), tablespaceFolder: () => root }, other))).toMatchObject({ code: 'CANCELLED' });
		await other.remove();
	});
});

describe('incremental backups', () => {
	const file = (content: Buffer): Member => ({ path: 'base/5/1', content });
	const update = (truncation: number, blocks: Record<number, string>): Member => ({ path: 'base/5/INCREMENTAL.1', content: incrementalFile(truncation, blocks) });
	const blocksOf = async () => (await read('base/5/1')).match(/[\s\S]{8192}/g)?.map((text) => (text[0] === '\0' ? '-' : text[0])).join('');
	const chainOf = async (...steps: (readonly Member[])[]): Promise<Manifest[]> => {
		const chain: Manifest[] = [];
		for (const [at, members] of steps.entries()) {
			const parent = chain.at(-1);
			chain.push(await publish({ members: [BASE, FIVE, ...members], startLsn: `0/${at + 2}00000`, ...(parent && { parent }) }));
		}
		return chain;
	};
	const whole = (text: string) => file(Buffer.concat(Array.from(text, (letter) => block(letter))));

	it.each<[string, string, [number, Record<number, string>][]]>([
		['nothing changed', 'abc', [[3, {}]]],
		['aXc', 'abc', [[3, { 1: 'X' }]]],
		['aXcYZ', 'abc', [[3, { 1: 'X' }], [5, { 3: 'Y', 4: 'Z' }]]],
		['aYc', 'abc', [[3, { 1: 'X' }], [3, { 1: 'Y' }]]],
		['a', 'abc', [[1, {}]]],
		['ab---X', 'abc', [[2, { 5: 'X' }]]],
		['abc--', 'abc', [[5, {}]]],
		['', 'abc', [[0, {}]]],
		// What was cut off is not brought back by growing again: the blocks between were never written.
		['a---X', 'abcd', [[1, {}], [5, { 4: 'X' }]]],
	])('gives %s', async (expected, before, steps) => {
		const chain = await chainOf([whole(before)], ...steps.map(([truncation, blocks]) => [update(truncation, blocks)]));
		await layOut(...chain);
		expect((await blocksOf()) ?? '').toBe(expected === 'nothing changed' ? before : expected);
		expect(await read('backup_label')).not.toContain('INCREMENTAL');
		const listed = /"base\/5\/1", "Size": (\d+)/.exec(await read('backup_manifest'))?.[1];
		expect(Number(listed)).toBe((await stat(join(root, 'data/base/5/1'))).size);
	});

	/** A relation lives through steps; each backup holds what changed since the one before, as the server would write it. */
	const history = fc.array(fc.record({ keep: fc.nat(8), written: fc.dictionary(fc.nat(9).map(String), fc.constantFrom('p', 'q', 'r'), { maxKeys: 4 }) }), { minLength: 1, maxLength: 4 });
	it('any history of cutting, growing and writing ends as the relation did', async () => {
		await fc.assert(
			fc.asyncProperty(fc.stringMatching(/^[abc]{0,6}$/), history, async (before, steps) => {
				const letters = Array.from(before);
				const updates = steps.map(({ keep, written }) => {
					const kept = Math.min(keep, letters.length);
					letters.splice(kept);
					for (const [at, letter] of Object.entries(written)) letters[Number(at)] = letter;
					return [update(kept, written)];
				});
				const chain = await chainOf([whole(before)], ...updates);
				await layOut(...chain);
				expect((await blocksOf()) ?? '').toBe(Array.from(letters, (letter: string | undefined) => letter ?? '-').join(''));
				await rm(join(root, 'data'), { recursive: true });
			}),
			{ numRuns: times(50, 20, 5) },
		);
	}, 60_000);

	it('a length behind the end of a file, as servers of the first minor releases state it, is that of a whole file', () => {
		const content = incrementalFile(200_000, {});
		const begin = jest.fn();
		const reader = new IncrementalFileReader('base/5/INCREMENTAL.1', content.length, 8192, { begin, write: () => undefined });
		reader.push(content);
		reader.end();
		expect(begin).toHaveBeenCalledWith(1024 * 1024 * 1024, 1024 * 1024 * 1024, 0);
	});

	it('removes what is no longer there, and takes what is new or whole as it is', async () => {
		const chain = await chainOf([whole('ab'), { path: 'base/5/2', content: 'old' }, folder('base/6'), { path: 'base/6/1', content: 'dropped' }, { path: 'PG_VERSION', content: '17' }], [whole('X'), { path: 'base/5/3', content: 'new' }, { path: 'PG_VERSION', content: '17!' }]);
		await layOut(...chain);
		expect(await blocksOf()).toBe('X');
		expect((await readdir(join(root, 'data/base'))).sort()).toEqual(['5']);
		expect((await readdir(join(root, 'data/base/5'))).sort()).toEqual(['1', '3']);
		expect(await read('PG_VERSION')).toBe('17!');
	});

	it('a tablespace that was dropped goes with its folder', async () => {
		const full = await publish({ members: [], tablespaces: { 16384: [folder('PG_17'), { path: 'PG_17/2', content: 'there' }] } });
		const next = await publish({ members: [], parent: full, startLsn: '0/300000' });
		await layOut(full, next);
		expect(await readdir(join(root, 'spaces'))).toEqual([]);
		expect(await readdir(join(root, 'data/pg_tblspc'))).toEqual([]);
	});

	it.each<[string, Partial<HandMade>, string]>([
		['of another server', { systemIdentifier: '8' }, 'CHAIN_INCOMPLETE'],
		['whose label names another backup', { from: '0/100000' }, 'CHAIN_INCOMPLETE'],
		['without the file that it brings up to date', { members: [BASE, FIVE, { path: 'base/5/INCREMENTAL.9', content: incrementalFile(0, {}) }] }, 'ARTIFACT_DAMAGED'],
		['with a file both whole and not', { members: [BASE, FIVE, { path: 'base/5/1', content: 'x' }, { path: 'base/5/INCREMENTAL.1', content: incrementalFile(0, {}) }] }, 'ARTIFACT_DAMAGED'],
	])('one %s is refused', async (_name, changes, code) => {
		const [full] = (await chainOf([whole('a')])) as [Manifest];
		const next = await publish({ members: [BASE, FIVE, update(1, {})], parent: full, startLsn: '0/300000', ...changes });
		expect(await failure(layOut(full, next))).toMatchObject({ code });
	});

	it('a chain without its beginning or its middle is refused', async () => {
		const chain = (await chainOf([whole('a')], [update(1, {})], [update(1, {})])) as [Manifest, Manifest, Manifest];
		expect(await failure(layOut(chain[1], chain[2]))).toMatchObject({ code: 'CHAIN_INCOMPLETE' });
		expect(await failure(layOut(chain[0], chain[2]))).toMatchObject({ code: 'CHAIN_INCOMPLETE' });
	});
});
