import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runJob } from '../lib/jobs/run-job';
import { type Contender, processorSeconds, type Run, sideBySide, spread, watchMemory } from './measure';
import { type Section, writeReport } from './report';
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
	const notes: string[] = [];
	for (const load of loads(scale === 'smoke' ? 0.01 : 1)) {
		for (const second of [false, true]) {
			const cpu = new Map<string, number[]>();
			const contenders = ['ours', 'tar | zstd -1 -T2', 'restic'].map((name) => contender(name, load, second, cpu));
			const measured = await sideBySide(contenders, rounds);
			const title = `${load.title}: ${second ? 'second run, after a hundredth of the files changed' : 'first run'}`;
			const text = second
				? 'Ours is an incremental archive, tar with --listed-incremental. Ours reads back nothing but looks at every file, as the others do.'
				: 'Ours is the whole job: process start, SHA-256 of every file and of both sides of each artifact, index, manifest, fsync. tar only packs; restic also cuts into blocks, hashes and encrypts.';
			sections.push({ title, text, measured, baseline: 'tar | zstd -1 -T2' });
			notes.push(`Processor time, ${title}: ${[...cpu].map(([name, values]) => `${name} ${spread(values).median.toFixed(1)} s`).join(', ')}.`);
		}
	}
	writeReport(scale === 'smoke' ? 'files-smoke.md' : 'files.md', sections, notes);
}

function contender(name: string, load: Load, second: boolean, cpu: Map<string, number[]>): Contender {
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
				cpu.set(name, [...(cpu.get(name) ?? []), run.cpu]);
				return run;
			}),
	};
}

/** One backup of `source` into `store`; the second call is incremental. */
function backUp(name: string, scratch: string): () => Promise<Run & { cpu: number }> {
	let calls = 0;
	return async () => {
		calls += 1;
		switch (name) {
			case 'ours':
				return await ourBackup(scratch);
			case 'restic':
				return await timedShell(`cd ${scratch} && ${calls === 1 ? `${RESTIC} -r store init && ` : ''}${RESTIC} -r store backup source`, scratch);
			default:
				return await timedShell(`cd ${scratch} && tar --listed-incremental=snapshot -cf - source | zstd -q -1 -T2 -o store/${calls}.tar.zst`, scratch);
		}
	};
}

async function ourBackup(scratch: string): Promise<Run & { cpu: number }> {
	let watch: ReturnType<typeof watchMemory> | undefined;
	let cpu = 0;
	let timer: NodeJS.Timeout | undefined;
	const start = performance.now();
	try {
		await runJob<'files.archive'>(
			{ kind: 'files.archive', store: { type: 'folder', path: join(scratch, 'store') }, folder: join(scratch, 'source'), mode: 'incremental' },
			{
				workerModule: join(__dirname, '..', 'dist', 'lib', 'jobs', 'worker.js'),
				onStarted: (pid) => {
					watch = watchMemory(pid);
					timer = setInterval(() => (cpu = Math.max(cpu, processorSeconds(pid))), 20);
				},
			},
		);
		return { seconds: (performance.now() - start) / 1000, cpu, bytes: folderBytes(join(scratch, 'store')), peakMegabytes: watch?.stop().process };
	} finally {
		clearInterval(timer);
		watch?.stop();
	}
}

async function timedShell(command: string, scratch: string): Promise<Run & { cpu: number }> {
	const child = spawn('bash', ['-o', 'pipefail', '-c', `TIMEFORMAT='%R %U %S'; time { ${command}; } 2>&3`], { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'inherit'] });
	const watch = watchMemory(child.pid ?? 0);
	let times = '';
	child.stderr?.on('data', (chunk: Buffer) => (times += chunk.toString()));
	const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
	const { group } = watch.stop();
	if (code !== 0) throw new Error(`"${command}" ended with exit code ${code}`);
	const [seconds = 0, user = 0, system = 0] = (times.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
	return { seconds, cpu: user + system, bytes: folderBytes(join(scratch, 'store')), peakMegabytes: group };
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
