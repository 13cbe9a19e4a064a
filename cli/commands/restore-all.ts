import { resolve } from 'node:path';
import { BackupError } from '../../lib/core/errors';
import type { Command, CommandOutcome } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { type OptionValues, outputOptions, requiredOption, storeOptions, textOption } from '../options';
import { type Chosen, chooseForExample, choosePoint } from '../restore-all/choose';
import { exampleTargets } from '../restore-all/example';
import { newRecord, readRecord, type RestoreRecord, writeRecord } from '../restore-all/record';
import { isUntouched, runStage, type StageOutcome, type StageWorld } from '../restore-all/stage-jobs';
import { planStages, type Stage, type StagePlan } from '../restore-all/stages';
import { readTargets, type Targets } from '../restore-all/targets';
import { storeFrom } from '../store';
import { renderTable } from '../table';

export const restoreAll: Command = {
	name: 'restore-all',
	summary: 'Restore everything of one recovery point into empty places: roles, databases, Redis, files, configuration, n8n.',
	usage:
		'backup-recovery restore-all --store FOLDER --targets TARGETS.json [--point latest-complete|latest|ID] [--identity-file FILE | --passphrase-file FILE]\n' +
		'    --example             print a targets file for that recovery point, to be edited; nothing else is done\n' +
		'    without --confirm     look at everything and show the plan; nothing is changed\n' +
		'    --confirm POINT-ID    do it; the same command again goes on where it stopped\n' +
		'    [--record FILE]       what is done so far; ./restore-all-POINT-ID.json unless named\n' +
		'    A value in the targets file may be {"fromEnvironment": "NAME"} or {"fromFile": "/path"} to keep secrets out of it.',
	options: { ...storeOptions, ...outputOptions, ...keyOptions, targets: { type: 'string' }, point: { type: 'string' }, example: { type: 'boolean' }, confirm: { type: 'string' }, record: { type: 'string' } },
	async run(values, _positionals, world) {
		const store = storeFrom(values, world.environment);
		if (values.example === true) {
			const example = exampleTargets(await chooseForExample(store, values, world.runOptions));
			return { result: example, text: JSON.stringify(example, null, 2) };
		}
		const targets = await readTargets(requiredOption(values, 'targets'), world);
		const chosen = await choosePoint(store, values, targets, world.runOptions);
		const plan = planStages(chosen.point, targets);
		if (plan.problems.length > 0) throw new BackupError('INVALID_INPUT', `${chosen.point.id} cannot be restored with these targets: ${plan.problems.join(' ')}`, 'Nothing was touched. Change the targets file, or choose another recovery point with --point.');
		const stageWorld = { store, decryption: await decryptionFrom(values, world), targets, runOptions: world.runOptions };
		return await planOrRestore(chosen, plan, stageWorld, values);
	},
};

async function planOrRestore({ point, explanation }: Chosen, plan: StagePlan, stageWorld: StageWorld, values: OptionValues): Promise<CommandOutcome> {
	const path = resolve(textOption(values, 'record') ?? `restore-all-${point.id}.json`);
	const fresh = newRecord(point.id, plan.stages, placesOf(stageWorld.targets), new Date());
	const earlier = await readRecord(path, fresh);
	const record = earlier ?? fresh;
	const waiting = plan.stages.filter((_, at) => record.stages[at]?.state === 'waiting');
	const looked = new Map<Stage, StageOutcome>();
	for (const stage of waiting) looked.set(stage, await runStage(stage, 'plan', stageWorld));
	const failed = [...looked].flatMap(([stage, { checks }]) => checks.filter(({ state }) => state === 'failed').map((check) => ({ stage: stage.name, ...check })));
	const confirm = textOption(values, 'confirm');
	if (confirm === undefined) {
		const text = `Nothing was changed. This is what would be done:\n\n${describePlan({ point, explanation }, plan, looked, record)}\n\n${failed.length === 0 ? `To do it, add --confirm ${point.id}` : 'It cannot be done as long as checks fail.'}`;
		return { result: { recoveryPoint: point.id, explanation, dryRun: true, stages: plan.stages, leftOut: plan.leftOut, failed, record: earlier ?? null }, text, exitCode: failed.length === 0 ? 0 : 1 };
	}
	if (confirm !== point.id) throw new BackupError('NOT_CONFIRMED', `What was typed, "${confirm}", is not the recovery point ${point.id}.`, `Nothing was changed. Type ${point.id} if this is the one you mean.`);
	const [first] = failed;
	if (first) throw new BackupError('RESTORE_FAILED', `Nothing was begun: ${failed.map(({ stage, detail }) => `${stage}: ${detail}`).join(' ')}`, first.hint ?? 'Run it without --confirm to see all checks.');
	const warnings = await restoreStages(plan.stages, record, path, stageWorld);
	return { result: { dryRun: false, explanation, ...record, leftOut: plan.leftOut, warnings }, text: describeDone({ point, explanation }, plan, record, warnings) };
}

async function restoreStages(stages: readonly Stage[], record: RestoreRecord, path: string, world: StageWorld): Promise<string[]> {
	const warnings: string[] = [];
	for (const [at, stage] of stages.entries()) {
		const entry = record.stages[at];
		if (entry === undefined || entry.state === 'done') continue;
		const attempt = entry.state === 'started' ? 'again' : 'first';
		Object.assign(entry, { state: 'started', startedAt: entry.startedAt ?? new Date().toISOString() });
		await writeRecord(path, record);
		world.runOptions.onProgress?.({ step: `${stage.name}: ${attempt === 'again' ? 'going on after an interruption' : 'restoring'}` });
		let outcome: StageOutcome;
		try {
			outcome = await runStage(stage, attempt, world);
		} catch (error) {
			if (await isUntouched(stage, world)) entry.state = 'waiting';
			await writeRecord(path, record);
			throw stopped(error, stage, path);
		}
		Object.assign(entry, { state: 'done', finishedAt: new Date().toISOString(), detail: outcome.detail });
		warnings.push(...outcome.warnings.map((warning) => `${stage.name}: ${warning}`));
		await writeRecord(path, record);
	}
	record.finishedAt ??= new Date().toISOString();
	await writeRecord(path, record);
	return warnings;
}

function stopped(error: unknown, { name }: Stage, path: string): unknown {
	if (!(error instanceof BackupError)) return error;
	return new BackupError(error.code, `${name} was not restored: ${error.message}`, `${error.hint} What is done is written in ${path}; the same command again goes on with ${name}.`, { cause: error });
}

/** The servers without their secrets. */
function placesOf({ postgres, redis, n8n }: Targets): unknown {
	return { postgres: postgres && [postgres.connection.host, postgres.connection.port], redis: redis.map(({ connection }) => connection.deployment.mode === 'sentinel' ? connection.deployment.masterName : connection.deployment), n8n: n8n.map(({ dataFolder }) => dataFolder) };
}

function describePlan({ point, explanation }: Chosen, { stages, leftOut }: StagePlan, looked: ReadonlyMap<Stage, StageOutcome>, record: RestoreRecord): string {
	const rows = stages.map((stage, at) => [String(at + 1), stage.name, stage.backup, looked.get(stage)?.detail ?? (record.stages[at]?.state === 'done' ? `done: ${record.stages[at].detail}` : 'was interrupted; will be gone on with')]);
	const checks = [...looked].flatMap(([stage, outcome]) => outcome.checks.filter(({ state }) => state !== 'passed').map(({ check, state, detail, hint }) => [stage.name, check, state, [detail, hint].filter(Boolean).join(' ')]));
	return [
		`${point.id}  ${point.name}`.trimEnd(),
		point.state,
		explanation,
		...(point.span === null ? [] : [point.span.explanation]),
		'',
		renderTable(['', 'what', 'backup', 'where'], rows),
		...(leftOut.length === 0 ? [] : ['', ...leftOut.map(({ name, why }) => `Left out: ${name}. ${why}`)]),
		...(checks.length === 0 ? ['', 'Every check passed.'] : ['', renderTable(['what', 'check', 'state', 'detail'], checks)]),
	].join('\n');
}

function describeDone({ point, explanation }: Chosen, { leftOut }: StagePlan, record: RestoreRecord, warnings: readonly string[]): string {
	const seconds = (from: string | undefined, to: string | null | undefined) => (from === undefined || to === undefined || to === null ? '' : ((Date.parse(to) - Date.parse(from)) / 1000).toFixed(1));
	const rows = record.stages.map(({ name, startedAt, finishedAt, detail }) => [name, seconds(startedAt, finishedAt), detail]);
	return [
		renderTable(['what', 'seconds', 'result'], rows),
		'',
		`Everything of ${point.id} is restored, ${seconds(record.startedAt, record.finishedAt)} seconds after it was begun.`,
		explanation,
		...leftOut.map(({ name, why }) => `Left out: ${name}. ${why}`),
		...warnings.map((warning) => `Warning: ${warning}`),
	].join('\n');
}
