import type { RecoverySummary } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { outputOptions, storeOptions, wholeNumberOption } from '../options';
import { storeFrom } from '../store';
import { renderTable } from '../table';

export const recoveries: Command = {
	name: 'recoveries',
	summary: 'Show how recoveries stand, newest first: what was asked, each stage, each decision.',
	usage: 'backup-recovery recoveries --store FOLDER [--open] [--limit 5] [--json]',
	options: { ...storeOptions, ...outputOptions, open: { type: 'boolean' }, limit: { type: 'string' } },
	async run(values, _positionals, world) {
		const job = { kind: 'recovery.read' as const, store: storeFrom(values, world.environment), open: values.open === true, limit: wholeNumberOption(values, 'limit') ?? 5 };
		const result = await runJob<'recovery.read'>(job, world.runOptions);
		if (result.recoveries.length === 0) return { result, text: 'No recoveries found.' };
		return { result, text: result.recoveries.map(describe).join('\n\n') };
	},
};

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
