import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupSummary } from '../lib/catalog/summary';
import type { RecoveryPointSummary } from '../lib/catalog/recovery-point-summary';
import type { CopyOutcome, CrossCheckResult } from '../lib/jobs/results';
import type { DatabaseContents } from '../test/support/database-contents';
import { CRM_DATABASE, type CrmStack, readStack, type StackContents, stackDifferences } from '../test/support/crm-stack';
import { SHIPPED } from '../test/support/shipped-workflows';
import { recoverPointInTime } from './point-in-time';
import type { Progress } from './progress';
import { recoverN8n } from './recover-n8n';
import { count, megabytes } from './report';
import type { Stage } from './stage';

/** What *Backup: Full* says at its end. */
interface FullBackupReport {
	readonly failures: string[];
	readonly backups: BackupSummary[];
	readonly verifications: ReadonlyArray<{ readonly level: string; readonly durationSeconds: number }>;
	readonly recoveryPoint: RecoveryPointSummary;
	readonly copies: CopyOutcome[];
}

/** What the recovery webhook answers. */
interface RecoveryAnswer {
	readonly message: string;
	readonly database: { readonly outageMilliseconds: number };
	readonly crossCheck: CrossCheckResult | null;
}

/** Tables gone or overwritten because somebody forgot the WHERE. */
const ACCIDENT = `DROP TABLE contacts CASCADE; UPDATE customers SET company = 'oops', credit_limit = 0;`;

/**
 * Back up, prove, lose, recover, compare; then to a point in time; then n8n itself.
 * @returns true only when everything holds again exactly what it held before
 */
export async function playLoop(stage: Stage, progress: Progress): Promise<boolean> {
	const { stack } = stage;
	const before = await progress.step('Remember everything, for later', async () => {
		const contents = await readStack(stack);
		return { value: contents, result: describe(contents) };
	});
	await backUp(stage, progress);
	await progress.step('The accident', async () => {
		await wreck(stack);
		const hurt = stackDifferences(before, await readStack(stack));
		if (hurt.length === 0) throw new Error('The accident changed nothing, so that recovering from it would prove nothing.');
		return { value: undefined, result: 'tables dropped and overwritten, Redis flushed, uploads deleted and encrypted, configuration edited' };
	});
	await recover(stage, progress);
	const same = await progress.step('Compare everything with before', async () => {
		const after = await readStack(stack);
		const wrong = stackDifferences(before, after);
		printComparison(before.database, after.database);
		const restored = after.config['.env.local.restored']?.content === before.config['.env.local']?.content;
		if (!restored) wrong.push('configuration: .env.local.restored');
		return { value: wrong.length === 0, result: wrong.length === 0 ? `all the same: ${describe(after)}` : `DIFFERENT: ${wrong.slice(0, 10).join('; ')}` };
	});
	const exact = await recoverPointInTime(stage, progress);
	return (await recoverN8n(stage, progress)) && exact && same;
}

async function wreck({ server, redis, folders }: CrmStack): Promise<void> {
	await server.query(ACCIDENT, CRM_DATABASE);
	await redis.redis.flushall();
	await rm(join(folders.uploads, 'contracts'), { recursive: true });
	await writeFile(join(folders.uploads, 'recordings', 'kick-off.mp4'), 'pay us');
	await appendFile(join(folders.config, '.env.local'), 'DEBUG=everything\n');
}

async function backUp({ n8n }: Stage, progress: Progress): Promise<void> {
	const report = await progress.step('Backup: Full, in n8n', async () => {
		const execution = await n8n.execute(SHIPPED.fullBackup, 'Run Now', 600_000);
		const [value] = execution.items<FullBackupReport>('Report');
		if (execution.status !== 'success' || value === undefined || value.failures.length > 0) throw new Error(execution.describe());
		const places = value.copies.map(({ target }) => target).join(' and ');
		return { value, size: megabytes(value.backups.reduce((sum, { storedBytes }) => sum + storedBytes, 0)), result: `${value.backups.length} backups, copied to ${places}` };
	});
	for (const { component, kind, source, durationSeconds, storedBytes, sourceBytes, verified } of report.backups) {
		if (verified === null) throw new Error(`The backup of ${source} was not verified.`);
		const how = verified.level === 'restore' ? 'restored and compared' : 'read back and parsed';
		progress.part(`${component}${kind === 'globals' ? ' (globals)' : ''}`, durationSeconds, megabytes(storedBytes), `of ${megabytes(sourceBytes)}; proven: ${how}`);
	}
}

async function recover({ workflows }: Stage, progress: Progress): Promise<void> {
	await progress.step('Recovery: Full, in n8n, by webhook', async () => {
		const answer = await workflows.recoverAsPlanned();
		if (answer.status !== 200) throw new Error(`The recovery answered ${answer.status}: ${answer.body}`);
		const { database, crossCheck } = JSON.parse(answer.body) as RecoveryAnswer;
		if (crossCheck?.rowsWithoutFiles.count !== 0) throw new Error(`The cross check found rows without files: ${JSON.stringify(crossCheck)}`);
		return { value: undefined, result: `the database was away for ${database.outageMilliseconds} ms; cross check: ${crossCheck.matched} rows with their files` };
	});
}

function describe({ database, uploads }: StackContents): string {
	const rows = Object.values(database).reduce((sum, table) => sum + table.rows, 0);
	const tables = Object.keys(database).filter((name) => !name.startsWith('(')).length;
	return `${count(rows)} rows in ${tables} tables with sequences and large objects, every key of Redis, ${count(Object.keys(uploads).length)} uploads`;
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
