import { setTimeout as sleep } from 'node:timers/promises';
import { startN8n, type N8nServer } from '../test/support/n8n-server';
import { packPackage } from '../test/support/packed-package';
import type { PostgresServer } from '../test/support/postgres-server';
import { spread } from './measure';
import { writeReport } from './report';

const METRIC = 'n8n_nodejs_eventloop_lag_p99_seconds';
const WORKFLOW = 'benchmarkDump001';

/** n8n's own figure for its event-loop delay, while it does nothing and while a backup of the whole database runs. */
export async function benchmarkEventLoop(server: PostgresServer, database: string, rounds: number): Promise<void> {
	const packed = await packPackage();
	const n8n = await startN8n({ databaseServer: server, tarball: packed.tarball, env: { N8N_METRICS: 'true' } });
	try {
		await n8n.importCredentials([
			{ id: 'benchPostgres001', name: 'Benchmark Postgres', type: 'backupPostgresApi', data: { host: server.host, port: server.port, user: server.user, password: server.password, database: 'postgres', tlsMode: 'prefer' } },
			{ id: 'benchStore000001', name: 'Benchmark Store', type: 'backupStoreApi', data: { type: 'folder', path: n8n.storeFolder, prefix: '' } },
		]);
		await n8n.importWorkflow(dumpWorkflow(database));
		const idle: number[] = [];
		const busy: number[] = [];
		const seconds: number[] = [];
		for (let round = 0; round <= rounds; round++) {
			const quiet = await lagDuring(n8n, () => sleep(8000));
			const start = performance.now();
			const loaded = await lagDuring(n8n, async () => {
				const execution = await n8n.execute(WORKFLOW, 'When clicking', 300_000);
				if (execution.status !== 'success') throw new Error(execution.describe());
			});
			if (round === 0) continue;
			idle.push(quiet);
			busy.push(loaded);
			seconds.push((performance.now() - start) / 1000);
		}
		const row = (name: string, values: number[]) => {
			const { min, median, max } = spread(values.map((value) => value * 1000));
			return `| ${name} | ${min.toFixed(1)} | **${median.toFixed(1)}** | ${max.toFixed(1)} |`;
		};
		writeReport('event-loop.md', [], [
			`## n8n's event loop during a backup of 1.2 GB\n\np99 of the event-loop delay that n8n reports of itself (\`${METRIC}\`), in milliseconds, over ${rounds} rounds; a backup took ${spread(seconds).median.toFixed(1)} s.`,
			`| n8n is | min | median | max |\n| --- | --- | --- | --- |\n${row('idle', idle)}\n${row('running a backup', busy)}`,
		]);
	} finally {
		await n8n.stop();
		await packed.remove();
	}
}

/** The metric starts anew each time it is read. */
async function lagDuring(n8n: N8nServer, work: () => Promise<unknown>): Promise<number> {
	await n8n.metric(METRIC);
	await work();
	return await n8n.metric(METRIC);
}

function dumpWorkflow(database: string): object {
	return {
		id: WORKFLOW,
		name: 'Benchmark: Dump',
		active: false,
		settings: { executionOrder: 'v1' },
		nodes: [
			{ id: 'a', name: 'When clicking', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, position: [0, 0], parameters: {} },
			{
				id: 'b',
				name: 'Dump',
				type: 'n8n-nodes-backup-recovery.postgresDump',
				typeVersion: 1,
				position: [220, 0],
				parameters: { operation: 'database', database: { __rl: true, mode: 'name', value: database } },
				credentials: { backupPostgresApi: { id: 'benchPostgres001', name: 'Benchmark Postgres' }, backupStoreApi: { id: 'benchStore000001', name: 'Benchmark Store' } },
			},
		],
		connections: { 'When clicking': { main: [[{ node: 'Dump', type: 'main', index: 0 }]] } },
	};
}
