import { parseLsn } from '../../../lib/postgres/replication/lsn';
import { withReplication } from '../../../lib/postgres/replication/replication-session';
import { readSegmentName, segmentName } from '../../../lib/postgres/replication/wal-segment';
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
