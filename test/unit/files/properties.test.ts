import { chmod, link, lstat, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { comparePaths } from '../../../lib/files/byte-path';
import { decodeEntry, encodeEntry, type IndexEntry } from '../../../lib/files/index-entry';
import { times } from '../../support/breadth';
import { FilesFixture, readTree, type Tree, treeDifferences } from '../../support/file-trees';
import { MemoryStore } from '../../support/memory-store';

// Other work on the machine may slow a test down; it says nothing about the package.
jest.setTimeout(30_000);

/** Few names, so that changes meet what is there; some sort differently as bytes, as text and beside a slash. */
const NAMES = ['a', 'a-b', 'a.txt', 'B', '\u00e9', 'z z'];
const path = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));

const change = fc.oneof(
	fc.record({ do: fc.constant('write' as const), path, content: fc.string({ maxLength: 20 }) }),
	fc.record({ do: fc.constant('folder' as const), path }),
	fc.record({ do: fc.constant('remove' as const), path }),
	fc.record({ do: fc.constant('link' as const), path, to: fc.constantFrom('a', '../B', 'nowhere', '/etc') }),
	fc.record({ do: fc.constant('hardlink' as const), path, to: path }),
	fc.record({ do: fc.constant('rename' as const), path, to: path }),
	fc.record({ do: fc.constant('mode' as const), path, mode: fc.constantFrom(0o600, 0o644, 0o755, 0o2750) }),
	fc.record({ do: fc.constant('time' as const), path, time: fc.integer({ min: -1000, max: 2_000_000_000 }) }),
	// Content that changes under the same size, with the time put back: only ctime tells.
	fc.record({ do: fc.constant('sly' as const), path }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** Does what is possible; what is not (a file in the way, nothing there) changes nothing. */
async function apply(folder: string, step: Change): Promise<void> {
	const place = join(folder, step.path);
	try {
		switch (step.do) {
			case 'write':
				return await writeFile(place, step.content);
			case 'folder':
				await mkdir(place, { recursive: true });
				return;
			case 'remove':
				return await rm(place, { recursive: true });
			case 'link':
				return await symlink(step.to, place);
			case 'hardlink':
				return await link(join(folder, step.to), place);
			case 'rename':
				return await rename(place, join(folder, step.to));
			case 'mode':
				if (!(await lstat(place)).isSymbolicLink()) await chmod(place, step.mode | ((await lstat(place)).isDirectory() ? 0o700 : 0));
				return;
			case 'time':
				if (!(await lstat(place)).isSymbolicLink()) await utimes(place, step.time, step.time);
				return;
			case 'sly': {
				const stats = await lstat(place);
				if (!stats.isFile() || stats.size === 0) return;
				await writeFile(place, Buffer.alloc(stats.size, 'sly'));
				return await utimes(place, stats.atime, stats.mtime);
			}
		}
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code ?? '';
		if (!['ENOENT', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY', 'EPERM', 'EINVAL', 'ELOOP'].includes(code)) throw error;
	}
}

test('For random trees and random changes, restoring a full backup and its incrementals equals the tree, deletions included', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(change, { maxLength: 12 }), fc.array(fc.array(change, { maxLength: 8 }), { minLength: 1, maxLength: 3 }), async (first, rounds) => {
			const fixture = await FilesFixture.make(new MemoryStore());
			const folder = fixture.path('tree');
			try {
				await mkdir(folder);
				const states = new Map<string, Tree>();
				for (const steps of [first, ...rounds]) {
					for (const step of steps) await apply(folder, step);
					const { id } = await fixture.archive(folder, { mode: 'incremental' });
					states.set(id, await readTree(folder));
				}
				for (const [id, state] of states) {
					const target = fixture.path(id);
					await fixture.restore(target, { backup: { by: 'id', id } });
					expect(treeDifferences(state, await readTree(target))).toEqual([]);
				}
				// Going back in place, from the newest state to the first one, in the folder itself.
				const [[id, state]] = states as unknown as [[string, Tree]];
				const { keptFolder } = await fixture.restore(folder, { backup: { by: 'id', id }, mode: 'inPlace', confirmation: 'tree', overwrite: 'always', removeUnknown: true });
				if (keptFolder !== null) await rm(keptFolder, { recursive: true });
				const { mtime } = state[''] as { mtime: bigint };
				await utimes(folder, Number(mtime) / 1e6, Number(mtime) / 1e6);
				expect(treeDifferences(state, await readTree(folder))).toEqual([]);
			} finally {
				await fixture.remove();
			}
		}),
		{ numRuns: times(40, 15, 4), timeout: 60_000 },
	);
}, 60_000);

test('The order of paths is that of a walk: a folder, then what is in it, then the next name by its bytes', () => {
	const parts = fc.array(fc.stringMatching(/^[\x01-\x2e\x30-\xff]{1,3}$/), { minLength: 1, maxLength: 3 });
	fc.assert(
		fc.property(parts, parts, (one, other) => {
			const expected = (() => {
				for (const [at, part] of one.entries()) {
					const counterpart = other[at];
					if (counterpart === undefined) return 1;
					if (part !== counterpart) return part < counterpart ? -1 : 1;
				}
				return one.length === other.length ? 0 : -1;
			})();
			expect(Math.sign(comparePaths(one.join('/'), other.join('/')))).toBe(expected);
		}),
	);
});

test('Every entry survives its line in the index', () => {
	const bytes = fc.array(fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f), { minLength: 1, maxLength: 30 }).map((list) => Buffer.from(list).toString('latin1'));
	fc.assert(
		fc.property(bytes, bytes, fc.integer({ min: 0, max: 0o7777 }), fc.nat(), (name, target, mode, number) => {
			fc.pre(name !== '.' && name !== '..');
			const common = { path: name, mode, uid: number, gid: 0, mtime: '-1.5', ctime: '1.000000001', dev: '1', ino: '18446744073709551615', nlink: 1 };
			const entries: IndexEntry[] = [
				{ ...common, type: 'symlink', target },
				{ ...common, type: 'directory', user: 'somebody' },
				{ ...common, type: 'file', size: number, sha256: '0'.repeat(64), in: 'x', sparse: true, copies: 2 },
				{ ...common, type: 'hardlink', size: 1, target: 'a/b' },
			];
			for (const entry of entries) expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
		}),
	);
});
