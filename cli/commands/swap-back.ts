import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { connectionFrom, connectionOptions, outputOptions, requiredOption, textOption } from '../options';

const swapOptions = { ...connectionOptions, ...outputOptions, confirm: { type: 'string' }, 'dry-run': { type: 'boolean' } } as const;

export const undoSwap: Command = {
	name: 'undo-swap',
	summary: 'Bring back the database that was live before a swap.',
	usage: 'backup-recovery undo-swap --database NAME --confirm NAME --host HOST --user USER --password-file FILE [--previous NAME_before_TIME] [--dry-run]',
	options: { ...swapOptions, database: { type: 'string', short: 'd' }, previous: { type: 'string' }, 'allow-n8n-database': { type: 'boolean' } },
	async run(values, _positionals, world) {
		const result = await runJob<'postgres.undoSwap'>(
			{
				kind: 'postgres.undoSwap',
				connection: await connectionFrom(values, world),
				database: requiredOption(values, 'database'),
				previous: textOption(values, 'previous') ?? '',
				confirmation: textOption(values, 'confirm') ?? '',
				dryRun: values['dry-run'] === true,
				allowN8nDatabase: values['allow-n8n-database'] === true,
			},
			world.runOptions,
		);
		if (result.dryRun) return { result, text: `Nothing was changed. The plan:\n${result.plan.join('\n')}` };
		return { result, text: `${result.database} is the former database again; the restored one is kept as ${result.previousDatabase}.` };
	},
};

export const dropPrevious: Command = {
	name: 'drop-previous',
	summary: 'Drop a database that a swap kept.',
	usage: 'backup-recovery drop-previous --previous NAME_before_TIME --confirm NAME_before_TIME --host HOST --user USER --password-file FILE [--dry-run]',
	options: { ...swapOptions, previous: { type: 'string' } },
	async run(values, _positionals, world) {
		const result = await runJob<'postgres.dropPrevious'>(
			{
				kind: 'postgres.dropPrevious',
				connection: await connectionFrom(values, world),
				previous: requiredOption(values, 'previous'),
				confirmation: textOption(values, 'confirm') ?? '',
				dryRun: values['dry-run'] === true,
			},
			world.runOptions,
		);
		if (result.dryRun) return { result, text: `Nothing was changed. The plan:\n${result.plan.join('\n')}` };
		return { result, text: `Dropped ${result.dropped}.` };
	},
};

export const fence: Command = {
	name: 'fence',
	summary: 'Close a live database to all clients until "unfence"; with --show only tell which database is live.',
	usage: 'backup-recovery fence --database NAME --confirm NAME --host HOST --user USER --password-file FILE [--dry-run | --show]',
	options: { ...swapOptions, database: { type: 'string', short: 'd' }, show: { type: 'boolean' }, 'allow-n8n-database': { type: 'boolean' } },
	async run(values, _positionals, world) {
		const connection = await connectionFrom(values, world);
		const database = requiredOption(values, 'database');
		const action = values.show === true ? 'show' : 'fence';
		const job = { kind: 'postgres.fence' as const, connection, database, action, confirmation: textOption(values, 'confirm') ?? '', dryRun: values['dry-run'] === true, allowN8nDatabase: values['allow-n8n-database'] === true } as const;
		const result = await runJob<'postgres.fence'>(job, world.runOptions);
		return { result, text: [...(result.dryRun ? ['Nothing was changed. The plan:', ...result.plan] : []), result.live.explanation].join('\n') };
	},
};

export const unfence: Command = {
	name: 'unfence',
	summary: 'Let clients into a fenced database again.',
	usage: 'backup-recovery unfence --database NAME --host HOST --user USER --password-file FILE',
	options: { ...connectionOptions, ...outputOptions, database: { type: 'string', short: 'd' } },
	async run(values, _positionals, world) {
		const job = { kind: 'postgres.fence' as const, connection: await connectionFrom(values, world), database: requiredOption(values, 'database'), action: 'lift' } as const;
		const result = await runJob<'postgres.fence'>(job, world.runOptions);
		return { result, text: result.changed ? result.live.explanation : `It was not fenced. ${result.live.explanation}` };
	},
};
