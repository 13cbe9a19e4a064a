import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type S3Server, startS3 } from '../test/support/s3-server';
import { s3Location } from '../test/support/s3-store';
import { type Contender, type Measured, type Run, sideBySide, watchProcess } from './measure';
import { writeReport } from './report';
import { inScratch } from './scratch';

/** Bytes that do not compress. `BENCH_S3_MEGABYTES` makes it smaller, to try it out. */
const MEGABYTES = Number(process.env.BENCH_S3_MEGABYTES ?? 400);
const BUCKET = 'benchmark';
const OURS = 'ours';
const PEER = 'rclone copyto';
/** What ours does by itself: parts of 8 MiB, four at once. */
const SAME = `${PEER}, --s3-chunk-size 8M --s3-upload-concurrency 4 (as ours)`;

/** One large object there and back, beside rclone on the same server. */
export async function benchmarkS3(rounds: number): Promise<void> {
	const server = await startS3();
	try {
		await server.createBucket(BUCKET);
		await inScratch(async (folder) => {
			const file = join(folder, 'source');
			writeNoise(file);
			const rclone = join(folder, 'rclone.conf');
			writeFileSync(rclone, rcloneSettings(server));
			const location = JSON.stringify(s3Location(server, BUCKET));
			const transfer = (direction: 'up' | 'down', target: string) => [process.execPath, join(__dirname, 's3-transfer.js'), direction, location, target];
			const copy = (from: string, to: string, ...options: string[]) => ['rclone', '--config', rclone, ...options, 'copyto', from, to];
			const remote = `s3:${BUCKET}/by-rclone`;
			const chunks = ['--s3-chunk-size', '8M', '--s3-upload-concurrency', '4'];
			const contender = (name: string, command: readonly string[]): Contender => ({ name, run: async () => await timeProcess(command) });
			const up = await sideBySide(
				[contender(OURS, transfer('up', file)), contender(PEER, copy(file, remote, '--ignore-times')), contender(SAME, copy(file, remote, '--ignore-times', ...chunks))],
				rounds,
			);
			const back = join(folder, 'back');
			const down = await sideBySide([contender(OURS, transfer('down', back)), contender(PEER, copy(remote, back, '--ignore-times'))], rounds);
			if (!readFileSync(file).equals(readFileSync(back))) throw new Error('what came back is not what was sent');
			report(up, down);
		});
	} finally {
		await server.stop();
	}
}

function report(up: Measured[], down: Measured[]): void {
	const text = `One object of ${MEGABYTES} MB to and from the same server on this machine, which takes its share of the processor.`;
	writeReport('s3.md', [
		{ title: 'Upload', text: `${text} Ours signs every part with its SHA-256 and sends a CRC32 along.`, measured: up, baseline: PEER },
		{ title: 'Download', text, measured: down, baseline: PEER },
	]);
}

async function timeProcess([file = '', ...args]: readonly string[]): Promise<Run> {
	const start = performance.now();
	// Nothing else of the environment: it may hold settings for AWS.
	const child = spawn(file, args, { env: { PATH: process.env.PATH, HOME: process.env.HOME }, stdio: ['ignore', 'ignore', 'inherit'] });
	const watch = watchProcess(child.pid ?? 0);
	try {
		const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
		if (code !== 0) throw new Error(`${file} ended with ${String(code)}`);
		const { megabytes, processorSeconds } = watch.stop();
		return { seconds: (performance.now() - start) / 1000, bytes: MEGABYTES * 1e6, peakMegabytes: megabytes, processorSeconds };
	} finally {
		watch.stop();
	}
}

function writeNoise(file: string): void {
	const descriptor = openSync(file, 'w');
	try {
		for (let megabyte = 0; megabyte < MEGABYTES; megabyte++) writeSync(descriptor, randomBytes(1_000_000));
	} finally {
		closeSync(descriptor);
	}
}

function rcloneSettings({ endpoint, accessKeyId, secretAccessKey, region }: S3Server): string {
	return `[s3]\ntype = s3\nprovider = Ceph\nendpoint = ${endpoint}\naccess_key_id = ${accessKeyId}\nsecret_access_key = ${secretAccessKey}\nregion = ${region}\nno_check_bucket = true\n`;
}
