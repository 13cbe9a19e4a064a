import type { Component } from '../../lib/catalog/component';
import { BackupError } from '../../lib/core/errors';
import type { RecoveryPointSummary, ResultOf } from '../../lib/jobs/results';
import { type RunJobOptions, runJob } from '../../lib/jobs/run-job';
import type { StoreLocationInput } from '../../lib/storage/location';
import { type OptionValues, textOption } from '../options';
import type { Targets } from './targets';

/** Which point, what was passed over for it, and whether a person has to say so first. */
export type Chosen = { readonly point: RecoveryPointSummary } & Pick<ResultOf<'recovery.choose'>, 'explanation'>;

const POINT_ID = /^\d{8}T\d{6}Z-set-[0-9a-z]{6}$/;

/**
 * The point that was named, by `--point` or by typing its ID after `--confirm`, or the newest complete one; older data than there is is never taken in silence.
 * @throws BackupError `BACKUP_NOT_FOUND`, or `INVALID_INPUT` where a newer one could be meant as well
 */
async function choose(store: StoreLocationInput, values: OptionValues, needed: readonly Component[], runOptions: RunJobOptions): Promise<Chosen> {
	const option = textOption(values, 'point') ?? 'latest-complete';
	const named = await namedPoint(option, textOption(values, 'confirm') ?? '', store, runOptions);
	const { recoveryPoint: point, explanation, mustBeNamed } = await runJob<'recovery.choose'>({ kind: 'recovery.choose', store, named, needed: [...needed] }, runOptions);
	if (point === null || point.unreadable === true) throw new BackupError('BACKUP_NOT_FOUND', `The store does not hold the recovery point "${option}". ${point?.state ?? explanation}`, 'See "recovery-points", choose one with --point, or look into another place.');
	if (mustBeNamed) throw new BackupError('INVALID_INPUT', explanation, `Nothing was touched. Add --point ${point.id}, or the ID of the newer one, with what it lacks named under "leaveOut" in the targets file.`);
	return { point, explanation };
}

/** Whoever typed an ID to confirm has seen the plan of that one, also where a newer one has come since. */
async function namedPoint(option: string, confirm: string, store: StoreLocationInput, runOptions: RunJobOptions): Promise<string | null> {
	if (option === 'latest-complete') return POINT_ID.test(confirm) ? confirm : null;
	if (POINT_ID.test(option)) return option;
	const { recoveryPoints } = await runJob<'recovery.list'>({ kind: 'recovery.list', store, limit: option === 'latest' ? 20 : 5 }, runOptions);
	const latest = recoveryPoints.find(({ unreadable }) => unreadable !== true)?.id;
	if (option === 'latest' && latest !== undefined) return latest;
	const known = recoveryPoints.slice(0, 5).map(({ id }) => id);
	throw new BackupError('BACKUP_NOT_FOUND', `The store does not hold the recovery point "${option}". ${known.length === 0 ? 'There is none at all.' : `The newest there are: ${known.join(', ')}.`}`, 'Choose one of those with --point, or look into another place.');
}

/** The database decides which recovery point it is; who restores none, wants all that has a place. */
function neededOf(targets: Targets): Component[] {
	if (targets.postgres && !targets.leaveOut.includes('postgres')) return ['postgres'];
	return (['redis', 'files', 'config', 'logs', 'n8n'] as const).filter((component) => targets[component].length > 0);
}

/** @throws BackupError `BACKUP_NOT_FOUND`, or `INVALID_INPUT` where a newer one could be meant as well */
export async function choosePoint(store: StoreLocationInput, values: OptionValues, targets: Targets, runOptions: RunJobOptions): Promise<Chosen> {
	return await choose(store, values, neededOf(targets), runOptions);
}

/** That of which a targets file is made: one with a database, where the store holds any. */
export async function chooseForExample(store: StoreLocationInput, values: OptionValues, runOptions: RunJobOptions): Promise<RecoveryPointSummary> {
	const { recoveryPoint } = await runJob<'recovery.choose'>({ kind: 'recovery.choose', store }, runOptions);
	return (await choose(store, values, recoveryPoint === null ? [] : ['postgres'], runOptions)).point;
}
