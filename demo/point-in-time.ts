import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { DatabaseComparison, RecoverResult } from '../lib/jobs/results';
import { CRM_DATABASE } from '../test/support/crm-stack';
import { LoggingWriter, logDifferences } from '../test/support/logging-writer';
import { FORM_LOGIN } from '../test/support/n8n-credentials';
import { FormVisit } from '../test/support/n8n-form';
import { SHIPPED } from '../test/support/shipped-workflows';
import type { Progress } from './progress';
import { count } from './report';
import type { Stage } from './stage';

/** How long the table's loss goes unnoticed, while the app goes on writing. */
const UNNOTICED_MS = 4_000;

/**
 * The write-ahead log streams into the store while a client commits rows and keeps a log of its own; a table is dropped; *Recovery: Point in Time* brings
 * back the moment one second before.
 * @returns whether every row committed before that moment is there and none committed after it, by the client's log
 */
export async function recoverPointInTime(stage: Stage, progress: Progress): Promise<boolean> {
	const { n8n, stack } = stage;
	const { server } = stack;
	await progress.step('Backup: WAL Continuous, published; its first base backup', async () => {
		await n8n.publish(SHIPPED.continuous);
		const execution = await n8n.execute(SHIPPED.continuous, 'Take Base Backup Now', 300_000);
		if (execution.status !== 'success') throw new Error(execution.describe());
		return { value: undefined, result: 'streaming; base backup read back, WAL without a gap' };
	});
	const writer = await LoggingWriter.start(server, CRM_DATABASE);
	try {
		const target = await progress.step('A client writes; somebody drops a table; the client goes on', async () => {
			await sleep(UNNOTICED_MS);
			const [row] = await server.query<{ at: string }>('SELECT (clock_timestamp() - interval \'1 second\')::text AS at');
			await server.query('DROP TABLE contacts CASCADE', CRM_DATABASE);
			await sleep(UNNOTICED_MS);
			const moment = new Date(row!.at).toISOString();
			return { value: moment, result: `${writer.log.length} rows committed so far; to recover: ${moment}` };
		});
		const visit = await progress.step('Recovery: Point in Time, by its form', async () => {
			const begun = await FormVisit.begin(n8n.url, 'recovery-point-in-time', [target, 'contacts was dropped', `RECOVER ${CRM_DATABASE}`], FORM_LOGIN);
			await begun.page(600_000);
			return { value: begun, ...(await describeRecovery(stage)) };
		});
		await writer.stop();
		const same = await progress.step("Compare the recovered rows with the client's own log", async () => {
			const wrong = logDifferences(writer.log, await recoveredRows(stage), target);
			const before = writer.log.filter(({ notAfter }) => notAfter <= target).length;
			return { value: wrong.length === 0, result: wrong.length === 0 ? `${count(before)} rows committed before that moment are there, ${count(writer.log.length - before)} later ones are not` : `DIFFERENT: ${wrong.slice(0, 5).join('; ')}` };
		});
		await progress.step('Replace the live database, as the person chose', async () => {
			await visit.submit(['', 'Replace the live database', CRM_DATABASE]);
			const page = await visit.page(600_000);
			if (!page.includes('The live database was replaced')) throw new Error(page.replace(/<[^>]+>/g, ' '));
			const [table] = await server.query<{ rows: string }>('SELECT count(*) AS rows FROM public.contacts', CRM_DATABASE);
			return { value: undefined, result: `contacts is back, with ${count(Number(table?.rows))} rows; the wrecked database is kept` };
		});
		return same;
	} finally {
		await writer.stop();
	}
}

async function waiting({ n8n }: Stage) {
	const [newest] = await n8n.rest.executions(SHIPPED.pointInTime);
	if (newest === undefined) throw new Error('Recovery: Point in Time never ran.');
	return await n8n.rest.execution(newest.id);
}

async function describeRecovery(stage: Stage): Promise<{ result: string }> {
	const execution = await waiting(stage);
	const [compared] = execution.items<{ comparison: DatabaseComparison }>('Compare');
	if (compared === undefined) throw new Error(execution.describe());
	return { result: compared.comparison.sentence };
}

async function recoveredRows(stage: Stage): Promise<number[]> {
	const [recovered] = (await waiting(stage)).items<{ recovery: RecoverResult }>('Recover');
	const { host, port, user } = recovered!.recovery.server!;
	const client = new pg.Client({ host, port, user, database: CRM_DATABASE });
	await client.connect();
	try {
		return (await client.query<{ id: number }>('SELECT id FROM public.writer_log')).rows.map(({ id }) => id);
	} finally {
		await client.end();
	}
}
