import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobContext } from '../../lib/core/context';
import { listWal, readWal, readWalRecord } from '../../lib/postgres/wal/wal-archive';
import type { Store } from '../../lib/storage/store';
import type { PostgresServer } from './postgres-server';

const run = promisify(execFile);

/** Settings of a server whose WAL is streamed; whole pages stay off, so that little is written. */
export const STREAMED_SERVER = { wal_level: 'replica', max_wal_senders: '5', max_replication_slots: '5' };

export async function systemIdentifier(server: Pick<PostgresServer, 'query'>): Promise<string> {
	const [row] = await server.query<{ id: string }>('SELECT system_identifier::text AS id FROM pg_control_system()');
	return row!.id;
}

/** Names and contents of what is archived of a server, each checked against its record. */
export async function archived(store: Store, context: JobContext, system: string): Promise<Map<string, Buffer>> {
	const found = new Map<string, Buffer>();
	for await (const { name, timeline } of listWal(store, system)) {
		const record = (await readWalRecord(store, { name, timeline, systemIdentifier: system }, context.signal))!;
		const chunks: Buffer[] = [];
		for await (const chunk of readWal(store, record, { keys: context.keys, signal: context.signal })) chunks.push(chunk);
		found.set(name, Buffer.concat(chunks));
	}
	return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The whole segments that the stock tool receives from a slot on, by digest. */
export async function stockSegments(server: PostgresServer, slot: string): Promise<Map<string, string>> {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-receivewal-'));
	try {
		// An idle server tells it much later that all of it has been sent.
		const [row] = await server.query<{ lsn: string }>('SELECT (pg_current_wal_flush_lsn() - 1)::text AS lsn');
		const env = { PATH: process.env.PATH, PGPASSWORD: server.password };
		await run(join(server.serverFolder, 'pg_receivewal'), ['-h', server.host, '-p', String(server.port), '-U', server.user, '-D', folder, '-S', slot, '-E', row!.lsn, '--no-loop'], { env, timeout: 30_000 });
		const names = (await readdir(folder)).filter((name) => /^[0-9A-F]{24}$/.test(name));
		return new Map(await Promise.all(names.map(async (name) => [name, digest(await readFile(join(folder, name)))] as const)));
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** The digest of what the server has under that name; null: it has it no more. It digests by itself: 16 MiB as a value take seconds. */
export async function digestOnServer(server: Pick<PostgresServer, 'query'>, name: string): Promise<string | null> {
	const [row] = await server.query<{ digest: string | null }>(`SELECT encode(sha256(pg_read_binary_file($1, 0, 16777216, true)), 'hex') AS digest`, 'postgres', [`pg_wal/${name}`]);
	return row!.digest;
}

export function digest(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}
