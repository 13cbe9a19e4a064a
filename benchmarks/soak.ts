import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackupError } from '../lib/core/errors';
import type { WalItem } from '../lib/jobs/results';
import { runJob } from '../lib/jobs/run-job';
import { readSegmentName } from '../lib/postgres/replication/wal-segment';
import { listWal, readWal, readWalRecord } from '../lib/postgres/wal/wal-archive';
import { WalWalker } from '../lib/postgres/wal/walk-records';
import { openStore } from '../lib/storage/open-store';
import { testContext } from '../test/support/job-context';
import { startPostgres } from '../test/support/postgres-server';
import { residentMegabytes, watchProcess } from './measure';
import { inScratch } from './scratch';

/** `SOAK_SECONDS` makes it shorter, to try it out. */
const SECONDS = Number(process.env.SOAK_SECONDS ?? 1800);
const SEGMENT = 16 * 1024 * 1024;
const SAMPLE_MS = 5000;
/** What is allowed at any time: memory of the job, log that only the server has, and for how long. */
const MOST = { memoryMegabytes: 300, lagMegabytes: 256, exposedSeconds: 30 };
/** The last fifth of the time may be above the first, on average, by no more than this. */
const GROWTH = { memoryMegabytes: 30, lagMegabytes: 64 };

interface Sample {
	readonly memoryMegabytes: number;
	readonly lagMegabytes: number;
}
const workerModule = join(__dirname, '..', 'dist', 'lib', 'jobs', 'worker.js');

/** pgbench at full speed for half an hour while the WAL is streamed: lag, exposure and memory stay within limits and do not grow, and the archive is complete; otherwise the exit code is 1. */
async function soak(): Promise<void> {
	await inScratch(async (scratch) => {
		const server = await startPostgres({ auth: 'trust', settings: { wal_level: 'replica', max_wal_senders: '5', max_wal_size: '4GB', shared_buffers: '256MB', full_page_writes: 'on', fsync: 'on', synchronous_commit: 'on', autovacuum: 'on' } });
		try {
			const pgbench = async (...args: string[]) => {
				const child = spawn(join(server.serverFolder, 'pgbench'), ['-h', '127.0.0.1', '-p', String(server.port), '-U', server.user, ...args, 'postgres'], { stdio: ['ignore', 'inherit', 'ignore'] });
				const [code] = (await once(child, 'close')) as [number | null];
				if (code !== 0) throw new Error(`pgbench ended with ${code}`);
			};
			await pgbench('-i', '-q', '-s', '20');
			const store = { type: 'folder' as const, path: scratch, prefix: '' };
			const controller = new AbortController();
			const archived: Extract<WalItem, { event: 'archived' }>[] = [];
			const warnings: string[] = [];
			let watch: ReturnType<typeof watchProcess> | undefined;
			let pid = 0;
			const samples: Sample[] = [];
			const streaming = runJob<'postgres.streamWal'>(
				{ kind: 'postgres.streamWal', connection: server.connection, store, pieceSeconds: 5, itemSeconds: 10 },
				{
					workerModule,
					signal: controller.signal,
					onStarted: (id) => {
						pid = id;
						watch = watchProcess(id);
					},
					onItem: (item) => {
						if (item.event === 'archived') {
							archived.push(item);
							process.stderr.write(`  ${item.toLsn ?? ''}: ${(item.bytes / 1e6).toFixed(0)} MB, slot holds ${((item.slot.heldBytes ?? 0) / 1e6).toFixed(0)} MB, exposed ${item.rpoSeconds} s\n`);
						} else if (item.event === 'warning') warnings.push(item.message);
					},
				},
			).catch((error: unknown) => error);
			const sample = async () => {
				const [row] = await server.query<{ lag: string | null }>('SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::text AS lag FROM pg_replication_slots');
				if (row?.lag != null) samples.push({ memoryMegabytes: residentMegabytes(pid), lagMegabytes: Number(row.lag) / 1e6 });
			};
			let sampling: Promise<void> = Promise.resolve();
			const sampler = setInterval(() => {
				sampling = sampling.then(sample);
			}, SAMPLE_MS);
			await pgbench('-c', '8', '-j', '2', '-T', String(SECONDS));
			clearInterval(sampler);
			await sampling;
			controller.abort();
			const ended = await streaming;
			const watched = watch?.stop();
			await runJob<'postgres.archiveWal'>({ kind: 'postgres.archiveWal', connection: server.connection, store, lockWaitSeconds: 60 }, { workerModule });
			const { segments, bytes } = await walkArchive(store);
			const exposedSeconds = worst(archived.map(({ rpoSeconds }) => rpoSeconds));
			const fifth = Math.ceil(samples.length / 5);
			const [first, last] = [mean(samples.slice(0, fifth)), mean(samples.slice(-fifth))];
			const peak = { memoryMegabytes: watched?.megabytes ?? 0, lagMegabytes: worst(samples.map(({ lagMegabytes }) => lagMegabytes)) };
			const lines = [
				`${SECONDS} s of pgbench at full speed (8 clients): ${(bytes / 1e6).toFixed(0)} MB of WAL in ${segments} segments, without a gap, the CRC-32C of every record right.`,
				`Log that only the server has, looked at every ${SAMPLE_MS / 1000} s: at most ${peak.lagMegabytes.toFixed(0)} MB; on average ${first.lagMegabytes.toFixed(1)} MB in the first fifth of the time and ${last.lagMegabytes.toFixed(1)} MB in the last. Nowhere but there: at most ${exposedSeconds} s.`,
				`Memory of the job: at most ${peak.memoryMegabytes.toFixed(0)} MB; on average ${first.memoryMegabytes.toFixed(0)} MB in the first fifth and ${last.memoryMegabytes.toFixed(0)} MB in the last. Processor time ${watched?.processorSeconds.toFixed(0) ?? ''} s. Warnings: ${warnings.length === 0 ? 'none' : warnings.join(' ')}`,
			];
			const broken = [
				...(ended instanceof BackupError && ended.code === 'CANCELLED' ? [] : [`streaming ended by itself: ${String(ended)}`]),
				...(samples.length < 10 ? [`only ${samples.length} samples were taken`] : []),
				...above('the memory of the job (MB)', peak.memoryMegabytes, MOST.memoryMegabytes),
				...above('the log that only the server has (MB)', peak.lagMegabytes, MOST.lagMegabytes),
				...above('the time for which it is nowhere else (s)', exposedSeconds, MOST.exposedSeconds),
				...above('the growth of memory (MB)', last.memoryMegabytes - first.memoryMegabytes, GROWTH.memoryMegabytes),
				...above('the growth of that log (MB)', last.lagMegabytes - first.lagMegabytes, GROWTH.lagMegabytes),
			];
			mkdirSync(join(__dirname, 'results'), { recursive: true });
			writeFileSync(join(__dirname, 'results', 'soak.md'), `${lines.join('\n\n')}\n`);
			process.stdout.write(`${lines.join('\n')}\n`);
			if (broken.length > 0) throw new Error(`The soak failed: ${broken.join('; ')}.`);
		} finally {
			await server.stop();
		}
	});
}

function worst(values: readonly number[]): number {
	return Math.max(0, ...values);
}

function mean(samples: readonly Sample[]): Sample {
	const average = (of: (sample: Sample) => number) => samples.reduce((sum, sample) => sum + of(sample), 0) / Math.max(1, samples.length);
	return { memoryMegabytes: average(({ memoryMegabytes }) => memoryMegabytes), lagMegabytes: average(({ lagMegabytes }) => lagMegabytes) };
}

/** What to say where a limit is passed. */
function above(what: string, value: number, limit: number): string[] {
	return value > limit ? [`${what} came to ${value.toFixed(1)}, more than ${limit}`] : [];
}

/** Walks all of it. @throws where it has a gap or a wrong byte */
async function walkArchive(location: { readonly type: 'folder'; readonly path: string; readonly prefix: string }): Promise<{ segments: number; bytes: number }> {
	const context = await testContext();
	const store = openStore(location, context);
	const [systemIdentifier = ''] = await store.listFolders('wal/');
	const names: string[] = [];
	for await (const { name } of listWal(store, systemIdentifier)) if (name.length === 24) names.push(name);
	names.sort();
	const start = readSegmentName(names[0] ?? '', SEGMENT)?.start ?? 0n;
	const walker = new WalWalker({ systemIdentifier, timeline: 1, segmentBytes: SEGMENT, serverMajor: 15, start, checksums: true });
	for (const name of names) {
		if (readSegmentName(name, SEGMENT)?.start !== walker.position) throw new Error(`a gap before ${name}`);
		const record = await readWalRecord(store, { name, timeline: 1, systemIdentifier }, context.signal);
		for await (const chunk of readWal(store, record!, context)) walker.push(chunk);
	}
	await context.remove();
	return { segments: names.length, bytes: names.length * SEGMENT };
}

void soak().catch((error: unknown) => {
	process.stderr.write(`${String(error)}\n`);
	process.exitCode = 1;
});
