import { createCrmDatabase } from '../test/support/crm-database';
import { type N8nServer, startN8n } from '../test/support/n8n-server';
import { packPackage } from '../test/support/packed-package';
import { type PostgresServer, startPostgres } from '../test/support/postgres-server';
import { installShippedWorkflows, type InstalledWorkflows, SHIPPED, SHIPPED_DATABASE } from '../test/support/shipped-workflows';
import type { CleanUp } from './clean-up';
import type { Progress } from './progress';
import { count, megabytes } from './report';

/** The CRM's database server, and the n8n of the team, with everything set up in it. */
export interface Stage {
	readonly server: PostgresServer;
	readonly database: string;
	readonly n8n: N8nServer;
	readonly workflows: InstalledWorkflows;
}

/** Builds everything that the demo plays on; whatever exists is in `cleanUp` at once. */
export async function buildStage(progress: Progress, cleanUp: CleanUp): Promise<Stage> {
	const database = SHIPPED_DATABASE;
	const server = await progress.step('Start a throwaway PostgreSQL', async () => {
		const started = await startPostgres();
		cleanUp.add(() => started.stop());
		const [version] = await started.query<{ server_version: string }>('SHOW server_version');
		return { value: started, result: `PostgreSQL ${version?.server_version.split(' ')[0]} on port ${started.port}` };
	});
	await progress.step('Fill a CRM database', async () => {
		await createCrmDatabase(server, database);
		const [size] = await server.query<{ bytes: string }>(`SELECT pg_database_size('${database}') AS bytes`);
		const [rows] = await server.query<{ rows: string }>(`SELECT sum(reltuples) AS rows FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'audit'::regnamespace)`, database);
		return { value: undefined, size: megabytes(Number(size?.bytes)), result: `about ${count(Number(rows?.rows))} rows in "${database}"` };
	});
	const n8n = await progress.step('Start n8n with the packed package installed', async () => {
		const packed = await packPackage();
		cleanUp.add(() => packed.remove());
		const started = await startN8n({ databaseServer: server, tarball: packed.tarball });
		cleanUp.add(() => started.stop());
		return { value: started, result: started.url };
	});
	const workflows = await progress.step('Import credentials and workflows, publish them', async () => {
		const installed = await installShippedWorkflows(n8n, server);
		return { value: installed, result: `${Object.keys(SHIPPED).length} workflows` };
	});
	return { server, database, n8n, workflows };
}
