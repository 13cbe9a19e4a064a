import { type DatabaseContents, differences, snapshotContents } from '../test/support/database-contents';
import { SHIPPED } from '../test/support/shipped-workflows';
import type { BackupSummary } from '../lib/catalog/summary';
import type { Progress } from './progress';
import { count, megabytes } from './report';
import type { Stage } from './stage';

/** What *Backup: Full* says at its end. */
interface FullBackupReport {
	readonly backup: BackupSummary;
	readonly verification: { readonly level: string; readonly durationSeconds: number; readonly comparison: ReadonlyArray<{ readonly equal: boolean }> };
}

/** What an accident does: one table gone, another overwritten because somebody forgot the WHERE. */
const ACCIDENT = `DROP TABLE contacts CASCADE; UPDATE customers SET company = 'oops', credit_limit = 0;`;

/**
 * Back up, prove, lose, recover, compare.
 * @returns true only when the database holds again exactly what it held before
 */
export async function playLoop(stage: Stage, progress: Progress): Promise<boolean> {
	const before = await progress.step('Remember every table, for later', async () => {
		const contents = await snapshotContents(stage.server, stage.database);
		return { value: contents, result: describe(contents) };
	});
	await backUp(stage, progress);
	await progress.step('The accident', async () => {
		await stage.server.query(ACCIDENT, stage.database);
		const hurt = differences(before, await snapshotContents(stage.server, stage.database));
		if (hurt.length === 0) throw new Error('The accident changed nothing, so that recovering from it would prove nothing.');
		return { value: undefined, result: `lost or overwritten: ${hurt.join(', ')}` };
	});
	await recover(stage, progress);
	return await progress.step('Compare table by table with before', async () => {
		const after = await snapshotContents(stage.server, stage.database);
		const wrong = differences(before, after);
		printComparison(before, after);
		return { value: wrong.length === 0, result: wrong.length === 0 ? `all the same: ${describe(after)}` : `DIFFERENT: ${wrong.join(', ')}` };
	});
}

async function backUp(stage: Stage, progress: Progress): Promise<void> {
	const { backup, verification } = await progress.step('Backup: Full, in n8n', async () => {
		const execution = await stage.n8n.execute(SHIPPED.fullBackup, 'Run Now', 600_000);
		const [value] = execution.items<FullBackupReport>('Report');
		if (execution.status !== 'success' || value === undefined) throw new Error(execution.describe());
		return { value, result: `backup ${value.backup.id}` };
	});
	const equal = verification.comparison.filter((table) => table.equal).length;
	if (verification.level !== 'restore' || equal === 0 || equal !== verification.comparison.length) {
		throw new Error(`The restore drill reached the level "${verification.level}" with ${equal} of ${verification.comparison.length} tables equal.`);
	}
	progress.part('its dump', backup.durationSeconds, megabytes(backup.storedBytes), `of ${megabytes(backup.sourceBytes)} uncompressed`);
	progress.part('its restore drill', verification.durationSeconds, '', `${equal} of ${verification.comparison.length} tables came back with the same contents`);
}

async function recover(stage: Stage, progress: Progress): Promise<void> {
	await progress.step('Recovery: Database, in n8n, by webhook', async () => {
		const answer = await stage.workflows.recover({ confirm: `RESTORE ${stage.database}` });
		if (answer.status !== 200) throw new Error(`The recovery answered ${answer.status}: ${answer.body}`);
		const [size] = await stage.server.query<{ bytes: string }>(`SELECT pg_database_size('${stage.database}') AS bytes`);
		return { value: undefined, size: megabytes(Number(size?.bytes)), result: 'restored beside, proven, swapped in' };
	});
}

function describe(contents: DatabaseContents): string {
	const rows = Object.values(contents).reduce((sum, table) => sum + table.rows, 0);
	const tables = Object.keys(contents).filter((name) => !name.startsWith('(')).length;
	return `${count(rows)} rows in ${tables} tables, the sequences and the large objects`;
}

function printComparison(before: DatabaseContents, after: DatabaseContents): void {
	const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
	const width = Math.max(...names.map((name) => name.length));
	process.stdout.write('\n');
	for (const name of names) {
		const same = before[name]?.content === after[name]?.content && before[name]?.rows === after[name]?.rows;
		const rows = (contents: DatabaseContents) => (contents[name] === undefined ? 'missing' : count(contents[name].rows)).padStart(10);
		process.stdout.write(`  ${name.padEnd(width)} ${rows(before)} ${rows(after)}  ${same ? 'same contents' : 'DIFFERENT'}\n`);
	}
}
