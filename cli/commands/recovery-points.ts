import { COMPONENTS } from '../../lib/catalog/component';
import type { RecoveryPointSummary } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { listOption, outputOptions, storeOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom } from '../store';
import { renderTable } from '../table';
import { UsageError } from '../usage-error';

export const recordPoint: Command = {
	name: 'record-point',
	summary: 'Write down which backups of one run belong together, and what failed.',
	usage:
		'backup-recovery record-point --store FOLDER [--since 2026-11-22T02:00:00Z] [--member COMPONENT/ID]... [--expect COMPONENT]... [--name NAME] [--note TEXT]\n' +
		'    [--fail-when-incomplete]',
	options: {
		...storeOptions,
		...outputOptions,
		since: { type: 'string' },
		member: { type: 'string', multiple: true },
		expect: { type: 'string', multiple: true },
		name: { type: 'string' },
		note: { type: 'string' },
		'fail-when-incomplete': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const result = await runJob<'recovery.record'>(
			{
				kind: 'recovery.record',
				store: storeFrom(values, world.environment),
				name: textOption(values, 'name'),
				note: textOption(values, 'note'),
				since: textOption(values, 'since') ?? null,
				members: listOption(values, 'member').map(memberFrom),
				expected: listOption(values, 'expect').map((component) => componentFrom('expect', component)),
				failWhenIncomplete: values['fail-when-incomplete'] === true,
			},
			world.runOptions,
		);
		return { result, text: describe(result.recoveryPoint) };
	},
};

export const recoveryPoints: Command = {
	name: 'recovery-points',
	summary: 'Show the sets of backups that belong together, newest first.',
	usage: 'backup-recovery recovery-points --store FOLDER [--limit 20] [--json]',
	options: { ...storeOptions, ...outputOptions, limit: { type: 'string' } },
	async run(values, _positionals, world) {
		const result = await runJob<'recovery.list'>({ kind: 'recovery.list', store: storeFrom(values, world.environment), limit: wholeNumberOption(values, 'limit') ?? 50 }, world.runOptions);
		if (result.recoveryPoints.length === 0) return { result, text: 'No recovery points found.' };
		return { result, text: result.recoveryPoints.map(describe).join('\n\n') };
	},
};

/** `latest`, `latest-complete`, or an id. */
export function recoveryPointChoiceFrom(value: string) {
	if (value === 'latest') return { by: 'latest' as const };
	if (value === 'latest-complete') return { by: 'latestComplete' as const };
	return { by: 'id' as const, id: value };
}

function memberFrom(value: string) {
	const slash = value.indexOf('/');
	if (slash < 0) throw new UsageError(`--member takes COMPONENT/ID, not "${value}".`);
	return { component: componentFrom('member', value.slice(0, slash)), id: value.slice(slash + 1) };
}

function componentFrom(option: string, value: string) {
	const found = COMPONENTS.find((component) => component === value);
	if (found === undefined) throw new UsageError(`--${option} takes a component (${COMPONENTS.join(', ')}), not "${value}".`);
	return found;
}

function describe(point: RecoveryPointSummary): string {
	const rows = point.members.map(({ component, kind, source, backup, asOf, state, verified }) => [
		component,
		kind,
		source,
		backup,
		asOf.from === asOf.to ? asOf.from : `${asOf.from} to ${asOf.to}`,
		state === 'present' ? (verified?.level ?? 'not verified') : state.toUpperCase(),
	]);
	const lines = [`${point.id}  ${point.name}`.trimEnd(), point.state];
	if (point.span !== null) lines.push(point.span.explanation);
	if (rows.length > 0) lines.push(renderTable(['component', 'kind', 'source', 'backup', 'as of', 'verified'], rows));
	return lines.join('\n');
}
