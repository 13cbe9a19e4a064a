import { BackupError } from '../../lib/core/errors';
import type { RecoverySummary } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command, CommandOutcome } from '../command';
import { type OptionValues, outputOptions, storeOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom } from '../store';
import { renderTable } from '../table';

export const recoveries: Command = {
	name: 'recoveries',
	summary: 'Show how recoveries stand, newest first: what was asked, each stage, each decision. Or end one that nobody will go on with.',
	usage:
		'backup-recovery recoveries --store FOLDER [--open] [--limit 5] [--json]\n' +
		'    --give-up RECOVERY-ID [--by WHO]   end it; what is done stays done, and a fence stays until "unfence"\n' +
		'    --take-over                        with --give-up: although somebody may still be at it, who can do nothing more then',
	options: { ...storeOptions, ...outputOptions, open: { type: 'boolean' }, limit: { type: 'string' }, 'give-up': { type: 'string' }, by: { type: 'string' }, 'take-over': { type: 'boolean' } },
	async run(values, _positionals, world) {
		const store = storeFrom(values, world.environment);
		const unwanted = textOption(values, 'give-up');
		if (unwanted !== undefined) return await giveUp(unwanted, store, values, world.runOptions);
		const job = { kind: 'recovery.read' as const, store, open: values.open === true, limit: wholeNumberOption(values, 'limit') ?? 5 };
		const result = await runJob<'recovery.read'>(job, world.runOptions);
		if (result.recoveries.length === 0) return { result, text: 'No recoveries found.' };
		return { result, text: result.recoveries.map(describe).join('\n\n') };
	},
};

async function giveUp(id: string, store: ReturnType<typeof storeFrom>, values: OptionValues, runOptions: Parameters<typeof runJob>[1]): Promise<CommandOutcome> {
	const { recoveries: open } = await runJob<'recovery.read'>({ kind: 'recovery.read', store, open: true, limit: 1000 }, runOptions);
	const found = open.find((recovery) => recovery.id === id);
	if (found === undefined) {
		throw new BackupError('INVALID_INPUT', `There is no recovery ${id} that has not ended.`, open.length === 0 ? 'There is none at all.' : `Those that have not ended: ${open.map((recovery) => `${recovery.id} (${recovery.name})`).join(', ')}.`);
	}
	const newest = open.find(({ name }) => name === found.name);
	if (newest !== found) throw new BackupError('INVALID_INPUT', `A newer recovery "${found.name}" has not ended either (${newest?.id ?? ''}).`, 'Give that one up first.');
	const by = textOption(values, 'by') ?? '';
	const begun = await runJob<'recovery.begin'>(
		{ kind: 'recovery.begin', store, name: found.name, stages: found.stages.map(({ stage }) => stage), asked: found.asked, by, execution: 'backup-recovery recoveries --give-up', takeOver: values['take-over'] === true },
		runOptions,
	);
	const reason = `Given up by ${by === '' ? 'somebody' : by} on the command line`;
	const result = await runJob<'recovery.note'>({ kind: 'recovery.note', store, recovery: begun.recovery.id, run: begun.recovery.run, note: { what: 'closed', outcome: 'abandoned', reason } }, runOptions);
	return { result, text: `${describe(result.recovery)}\n\nIt was given up. What is done stays done. Where it fenced a database, clients stay out until you type "backup-recovery unfence".` };
}

function describe(recovery: RecoverySummary): string {
	const stages = recovery.stages.map(({ stage, state, startedAt, seconds, tries, detail }) => [stage, state, startedAt ?? '', seconds === null ? '' : `${seconds} s`, String(tries), detail]);
	return [
		`${recovery.id}  ${recovery.name}  ${recovery.state.toUpperCase()}`,
		recovery.explanation,
		`Begun at ${recovery.startedAt}${recovery.by === '' ? '' : ` for ${recovery.by}`}; ${recovery.seconds} s so far, in ${recovery.attempts} attempt(s). Asked for: ${JSON.stringify(recovery.asked)}`,
		renderTable(['stage', 'state', 'started', 'took', 'tries', 'remark'], stages),
		...recovery.decisions.map(({ at, question, answer, by }) => `${at}  ${question} ${answer}${by === '' ? '' : ` (${by})`}`),
	].join('\n');
}
