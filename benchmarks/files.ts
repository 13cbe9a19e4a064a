import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contender, type Run, runShell, sideBySide } from './measure';
import { type Section, writeReport } from './report';
import { runBuiltJob } from './run-built-job';
import { folderBytes, inScratch } from './scratch';

const RESTIC = 'RESTIC_PASSWORD=benchmark restic --no-cache -q';

interface Load {
	readonly title: string;
	fill(folder: string): void;
	/** A day's work: a hundredth of the files changes. */
	change(folder: string): void;
}

/** How many of everything; a smoke run takes a hundredth. */
export type Scale = 'full' | 'smoke';

/** An archive of a folder beside `tar | zstd` and restic, the first run and the one after a few changes. */
export async function benchmarkFiles(rounds: number, scale: Scale = 'full'): Promise<void> {
	const sections: Section[] = [];
	for (const load of loads(scale === 'smoke' ? 0.01 : 1)) {
		for (const second of [false, true]) {
			const contenders = ['ours', 'tar | zstd -1 -T2', 'restic'].map((name) => contender(name, load, second));
			const measured = await sideBySide(contenders, rounds);
			const title = `${load.title}: ${second ? 'second run, after a hundredth of the files changed' : 'first run'}`;
			const text = second
				? 'Ours is an incremental archive, tar with --listed-incremental. Ours reads back nothing but looks at every file, as the others do.'
				: 'Ours is the whole job: process start, SHA-256 of every file and of both sides of each artifact, index, manifest, fsync. tar only packs; restic also cuts into blocks, hashes and encrypts.';
			sections.push({ title, text, measured, baseline: 'tar | zstd -1 -T2' });
		}
	}
	writeReport(scale === 'smoke' ? 'files-smoke.md' : 'files.md', sections);
}

function contender(name: string, load: Load, second: boolean): Contender {
	return {
		name,
		run: () =>
			inScratch(async (scratch) => {
				const source = join(scratch, 'source');
				const store = join(scratch, 'store');
				mkdirSync(source);
				mkdirSync(store);
				load.fill(source);
				const once = backUp(name, scratch);
				let run = await once();
				if (second) {
					const before = folderBytes(store);
					load.change(source);
					run = await once();
					run = { ...run, bytes: folderBytes(store) - before };
				}
				return run;
			}),
	};
}

/** One backup of `source` into `store`; the second call is incremental. */
function backUp(name: string, scratch: string): () => Promise<Run> {
	let calls = 0;
	return async () => {
		calls += 1;
		switch (name) {
			case 'ours':
				return await ourBackup(scratch);
			case 'restic':
				return await theirBackup(`${calls === 1 ? `${RESTIC} -r store init && ` : ''}${RESTIC} -r store backup source`, scratch);
			default:
				return await theirBackup(`tar --listed-incremental=snapshot -cf - source | zstd -q -1 -T2 -o store/${calls}.tar.zst`, scratch);
		}
	};
}

async function ourBackup(scratch: string): Promise<Run> {
	const store = join(scratch, 'store');
	const { run } = await runBuiltJob<'files.archive'>({ kind: 'files.archive', store: { type: 'folder', path: store }, folder: join(scratch, 'source'), mode: 'incremental' });
	return { ...run, bytes: folderBytes(store) };
}

async function theirBackup(command: string, scratch: string): Promise<Run> {
	return { ...(await runShell(`cd ${scratch} && ${command}`)), bytes: folderBytes(join(scratch, 'store')) };
}

function loads(share: number): Load[] {
	const small = Math.round(20_000 * share);
	const large = Math.max(2, Math.round(6 * share));
	const largeBytes = Math.round(100_000_000 * Math.min(1, share * 10));
	const smallPath = (folder: string, at: number) => join(folder, `d${at % 100}`, `file-${at}.txt`);
	const text = (at: number) => `The quick brown fox ${at} jumps over the lazy dog. `.repeat(1 + (at % 60));
	return [
		{
			title: `${small} small files`,
			fill: (folder) => {
				for (let at = 0; at < 100; at++) mkdirSync(join(folder, `d${at}`));
				for (let at = 0; at < small; at++) writeFileSync(smallPath(folder, at), text(at));
			},
			change: (folder) => {
				for (let at = 0; at < small; at += 100) writeFileSync(smallPath(folder, at), text(at + 7));
			},
		},
		{
			title: `${large} files of ${largeBytes / 1e6} MB`,
			fill: (folder) => {
				for (let at = 0; at < large; at++) writeFileSync(join(folder, `large-${at}`), halfRandom(largeBytes, at));
			},
			change: (folder) => writeFileSync(join(folder, 'large-0'), halfRandom(largeBytes, large)),
		},
	];
}

/** Bytes that compress to about a half, the same each time. */
function halfRandom(bytes: number, seed: number): Buffer {
	const block = Buffer.alloc(1_000_000);
	let state = seed * 2_654_435_761 + 1;
	for (let at = 0; at < block.length; at += 2) {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		block[at] = state >>> 24;
	}
	const whole = Buffer.alloc(bytes);
	for (let at = 0; at < bytes; at += block.length) {
		block.writeUInt32LE(at >>> 0, 0);
		block.copy(whole, at, 0, Math.min(block.length, bytes - at));
		// A rotated block is new to whoever looks for equal ones.
		block.copyWithin(1, 0, block.length - 1);
	}
	return whole;
}
