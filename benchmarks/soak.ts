import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WalItem } from '../lib/jobs/results';
import { runJob } from '../lib/jobs/run-job';
import { readSegmentName } from '../lib/postgres/replication/wal-segment';
import { listWal, readWal, readWalRecord } from '../lib/postgres/wal/wal-archive';
import { WalWalker } from '../lib/postgres/wal/walk-records';
import { openStore } from '../lib/storage/open-store';
import { testContext } from '../test/support/job-context';
import { startPostgres } from '../test/support/postgres-server';
import { watchProcess } from './measure';
import { inScratch } from './scratch';

/** `SOAK_SECONDS` makes it shorter, to try it out. */
const SECONDS = Number(process.env.SOAK_SECONDS ?? 1800);
const SEGMENT = 16 * 1024 * 1024;
const workerModule = join(__dirname, '..', 'dist', 'lib', 'jobs', 'worker.js');

/** pgbench at full speed for half an hour while the WAL is streamed: lag, exposure and memory stay bounded, and the archive is complete. */
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
			const streaming = runJob<'postgres.streamWal'>(
				{ kind: 'postgres.streamWal', connection: server.connection, store, pieceSeconds: 5, itemSeconds: 10 },
				{
					workerModule,
					signal: controller.signal,
					onStarted: (pid) => (watch = watchProcess(pid)),
					onItem: (item) => {
						if (item.event === 'archived') {
							archived.push(item);
							process.stderr.write(`  ${item.toLsn ?? ''}: ${(item.bytes / 1e6).toFixed(0)} MB, slot holds ${((item.slot.heldBytes ?? 0) / 1e6).toFixed(0)} MB, exposed ${item.rpoSeconds} s\n`);
						} else if (item.event === 'warning') warnings.push(item.message);
					},
				},
			).catch((error: unknown) => error);
			await pgbench('-c', '8', '-j', '2', '-T', String(SECONDS));
			controller.abort();
			await streaming;
			const watched = watch?.stop();
			await runJob<'postgres.archiveWal'>({ kind: 'postgres.archiveWal', connection: server.connection, store, lockWaitSeconds: 60 }, { workerModule });
			const { segments, bytes } = await walkArchive(store);
			const worst = (values: number[]) => Math.max(0, ...values);
			const lines = [
				`${SECONDS} s of pgbench at full speed (8 clients): ${(bytes / 1e6).toFixed(0)} MB of WAL in ${segments} segments, without a gap, the CRC-32C of every record right.`,
				`Held by the slot: at most ${(worst(archived.map(({ slot }) => slot.heldBytes ?? 0)) / 1e6).toFixed(0)} MB. Nowhere but on the server: at most ${worst(archived.map(({ rpoSeconds }) => rpoSeconds))} s.`,
				`Peak memory of the job: ${watched?.megabytes ?? 0} MB; processor time ${watched?.processorSeconds.toFixed(0) ?? ''} s. Warnings: ${warnings.length === 0 ? 'none' : warnings.join(' ')}`,
			];
			mkdirSync(join(__dirname, 'results'), { recursive: true });
			writeFileSync(join(__dirname, 'results', 'soak.md'), `${lines.join('\n\n')}\n`);
			process.stdout.write(`${lines.join('\n')}\n`);
		} finally {
			await server.stop();
		}
	});
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
