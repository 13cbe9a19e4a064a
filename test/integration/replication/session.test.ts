import { formatLsn, parseLsn } from '../../../lib/postgres/replication/lsn';
import { type ReplicationSession, withReplication } from '../../../lib/postgres/replication/replication-session';
import { readSegmentName, segmentName, segmentStart } from '../../../lib/postgres/replication/wal-segment';
import { receiveTimeline } from '../../../lib/postgres/wal/receive-timeline';
import { startCuttingProxy } from '../../support/cutting-proxy';
import { until } from '../../support/until';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

let server: PostgresServer;
beforeAll(async () => (server = await startPostgres({ settings: { wal_level: 'replica', max_wal_senders: '5' } })), 60_000);
afterAll(async () => await server.stop());

const session = (signal = new AbortController().signal) => ({ signal, applicationName: 'backup-recovery test' });

test('takes SQL and replication commands, and streams a COPY', async () => {
	await withReplication(server.connection, session(), async (replication) => {
		const [system] = await replication.query('IDENTIFY_SYSTEM');
		expect(system?.timeline).toBe(1);
		const [row] = await replication.query<{ lsn: string; name: string }>('SELECT lsn::text, pg_walfile_name(lsn) AS name FROM pg_current_wal_lsn() lsn');
		const lsn = parseLsn(row!.lsn);
		expect(segmentName(1, lsn - 1n, 16 * 1024 * 1024)).toBe(row!.name);
		expect(readSegmentName(row!.name, 16 * 1024 * 1024)?.timeline).toBe(1);

		let bytes = 0;
		let messages = 0;
		const sets = await replication.copy(`BASE_BACKUP (LABEL 'test', CHECKPOINT 'fast', MANIFEST 'yes')`, {
			piece: (piece, first) => {
				bytes += piece.length;
				messages += first ? 1 : 0;
			},
		});
		expect(bytes).toBeGreaterThan(20_000_000);
		expect(messages).toBeGreaterThan(100);
		expect(sets[0]?.fields).toEqual(['recptr', 'tli']);
		// The session is as good as before.
		expect(await replication.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
	});
});

test('what a handler throws, an abort and an error of the server end the command', async () => {
	const failing = withReplication(server.connection, session(), async (replication) => {
		await replication.copy(`BASE_BACKUP (CHECKPOINT 'fast')`, {
			piece: () => {
				throw new Error('no more');
			},
		});
	});
	await expect(failing).rejects.toThrow('no more');

	const controller = new AbortController();
	const aborted = withReplication(server.connection, session(controller.signal), async (replication) => {
		await replication.copy(`BASE_BACKUP (CHECKPOINT 'fast')`, { piece: () => controller.abort() });
	});
	await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });

	await withReplication(server.connection, session(), async (replication) => {
		await expect(replication.copy('START_REPLICATION SLOT nobody PHYSICAL 0/0', { piece: () => undefined })).rejects.toThrow('does not exist');
		expect(await replication.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
	});
});

test('a server that vanishes in the middle is given up; one that is idle, or that we let wait, is not', async () => {
	const proxy = await startCuttingProxy(server.port);
	const connection = { ...server.connection, port: proxy.port };
	try {
		await server.query(`SELECT pg_create_physical_replication_slot('silence', true)`);
		let begun = 0;
		let lastTakenAt = 0;
		const streaming = withReplication(connection, session(), async (replication) => {
			const [system] = await replication.query('IDENTIFY_SYSTEM');
			const start = segmentStart(parseLsn(system!.xlogpos!), 16 * 1024 * 1024);
			let position = start;
			const sink = { take: (bytes: Buffer) => ((position += BigInt(bytes.length)), (lastTakenAt = performance.now())), get durable() { return position; }, drain: async () => undefined };
			await receiveTimeline({ session: replication, slot: 'silence', timeline: 1, start, stopAt: null, statusIntervalMs: 100, silenceMs: 1000, now: () => new Date(), onBegin: () => (begun += 1) }, sink);
			return formatLsn(position);
		});
		const ended = streaming.catch((error: unknown) => error);
		await until('it begins', () => begun === 1);
		// It is idle, and answers all the same. (A server notes every 15 seconds which transactions run.)
		await until('it has been idle for long', () => performance.now() - lastTakenAt > 2500);
		proxy.silent = true;
		const since = performance.now();
		expect(await ended).toMatchObject({ code: 'SERVER_UNREACHABLE', message: expect.stringContaining('Nothing has come from the server for 1 seconds') });
		expect(performance.now() - since).toBeLessThan(10_000);
		expect(begun).toBe(1);

		proxy.silent = false;
		const patience = { silenceMs: 800, atOnce: false };
		const backup = async (atPiece: (replication: ReplicationSession) => void) =>
			await withReplication(connection, session(), async (replication) => {
				let bytes = 0;
				const piece = (chunk: Buffer) => {
					if (bytes === 0) atPiece(replication);
					bytes += chunk.length;
				};
				await replication.copy(`BASE_BACKUP (LABEL 'test', CHECKPOINT 'fast')`, { piece }, patience);
				return bytes;
			});
		const waiting = backup((replication) => {
			replication.pause();
			setTimeout(() => replication.resume(), 2000);
		});
		expect(await waiting).toBeGreaterThan(20_000_000);
		await expect(backup(() => (proxy.silent = true))).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
	} finally {
		await proxy.stop();
	}
});
