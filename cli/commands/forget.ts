import { BACKUP_KINDS, COMPONENTS } from '../../lib/catalog/component';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { choiceOption, outputOptions, requiredOption, storeOptions } from '../options';
import { storeFrom } from '../store';
import { printable } from '../table';
import { UsageError } from '../usage-error';

export const forgetSeries: Command = {
	name: 'forget-series',
	summary: 'End the alarms of what will never be backed up again; its backups stay.',
	usage: 'backup-recovery forget-series --store FOLDER --component postgres --source NAME [--kind incremental] [--json]',
	options: { ...storeOptions, ...outputOptions, component: { type: 'string' }, source: { type: 'string' }, kind: { type: 'string' } },
	async run(values, _positionals, world) {
		const component = choiceOption(values, 'component', COMPONENTS);
		if (component === undefined) throw new UsageError('--component is missing.');
		const source = requiredOption(values, 'source');
		const job = { kind: 'catalog.forgetSeries' as const, store: storeFrom(values, world.environment), component, source, backupKind: choiceOption(values, 'kind', BACKUP_KINDS) ?? null };
		const result = await runJob<'catalog.forgetSeries'>(job, world.runOptions);
		const runs = result.forgottenRuns.map((name) => `How the newest run of ${printable(name)} went is forgotten.`);
		return { result, text: [...runs, ...(result.forgotten ? [`${printable(source)} need not be backed up any more.`] : [])].join('\n') };
	},
};

export const forgetSchedule: Command = {
	name: 'forget-schedule',
	summary: 'End the alarms of a workflow that will never run again.',
	usage: 'backup-recovery forget-schedule --store FOLDER --id WORKFLOW_ID [--json]',
	options: { ...storeOptions, ...outputOptions, id: { type: 'string' } },
	async run(values, _positionals, world) {
		const result = await runJob<'catalog.forgetSchedule'>({ kind: 'catalog.forgetSchedule', store: storeFrom(values, world.environment), id: requiredOption(values, 'id') }, world.runOptions);
		return { result, text: `The schedule ${printable(result.forgottenSchedule)} is not expected any more.` };
	},
};
