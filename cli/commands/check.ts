import { sizeWords } from '../../lib/core/words';
import { COMPONENTS, type Component } from '../../lib/catalog/component';
import { runJob } from '../../lib/jobs/run-job';
import type { ResultOf } from '../../lib/jobs/results';
import type { Command } from '../command';
import { listOption, outputOptions, storeOptions, wholeNumberOption } from '../options';
import { storeFrom } from '../store';
import { printable, renderTable } from '../table';
import { UsageError } from '../usage-error';

/** As monitoring tools read it. */
const EXIT_CODES = { OK: 0, WARNING: 1, CRITICAL: 2 } as const;
const UNKNOWN = 3;

export const check: Command = {
	name: 'check',
	summary: 'Tell whether the backups of a store are as fresh as they should be (exit code 0: OK, 1: warning, 2: critical, 3: not known, because the check itself failed).',
	usage: 'backup-recovery check --store FOLDER [--component postgres ...] [--require redis ...] [--hours postgres=6/24 ...] [--verified-within DAYS] [--json]',
	failureExitCode: UNKNOWN,
	options: {
		...storeOptions,
		...outputOptions,
		component: { type: 'string', multiple: true },
		hours: { type: 'string', multiple: true },
		require: { type: 'string', multiple: true },
		'verified-within': { type: 'string' },
	},
	async run(values, _positionals, world) {
		const result = await runJob<'catalog.status'>(
			{
				kind: 'catalog.status',
				store: storeFrom(values, world.environment),
				components: listOption(values, 'component').map((name) => componentNamed(name, 'component')),
				requiredComponents: listOption(values, 'require').map((name) => componentNamed(name, 'require')),
				verifiedWithinDays: wholeNumberOption(values, 'verified-within'),
				thresholds: listOption(values, 'hours').map(threshold),
			},
			world.runOptions,
		);
		return { result, text: render(result), exitCode: EXIT_CODES[result.state] };
	},
};

/** `postgres=6/24`: fine until 6 hours, late until 24, then critical. */
function threshold(text: string): { component: Component; okHours: number; warningHours: number } {
	const [, name = '', ok, warning] = /^([a-z0-9]+)=(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(text) ?? [];
	if (ok === undefined || warning === undefined) throw new UsageError(`--hours takes COMPONENT=OK/WARNING, such as postgres=6/24, not "${text}".`);
	return { component: componentNamed(name, 'hours'), okHours: Number(ok), warningHours: Number(warning) };
}

function componentNamed(name: string, option: string): Component {
	const component = COMPONENTS.find((known) => known === name);
	if (component === undefined) throw new UsageError(`--${option} takes one of ${COMPONENTS.join(', ')}, not "${name}".`);
	return component;
}

function render({ state, store, components, hold, overdue, unreadableSchedules = [], recoveryWindows }: ResultOf<'catalog.status'>): string {
	const rows = components.map((one) => [one.component, one.state, one.lastSuccess?.startedAt ?? 'never', one.lastVerified?.at ?? 'never', one.lastRestored?.at ?? 'never', one.nextExpectedBy ?? '', sizeWords(one.storedBytes)]);
	const reasons = components.flatMap(({ component, reasons: list }) => list.map((reason) => `${component}: ${printable(reason)}`));
	if (hold) reasons.push(`Retention is on hold since ${hold.since}: ${printable(hold.reason)}`);
	for (const { name, succeededAt, nextBy } of overdue) reasons.push(`${printable(name)} did not run when it should have: its last success was at ${succeededAt}, the next was expected by ${nextBy}.`);
	for (const key of unreadableSchedules) reasons.push(`${printable(key)} cannot be read: whether that schedule still runs is not known.`);
	const windows = recoveryWindows.map(({ source, from, to }) => `${printable(source)} can be recovered to any moment from ${from} to ${to ?? 'an unknown one'}.`);
	return [`${state}: ${printable(store)}`, '', renderTable(['component', 'state', 'newest', 'verified', 'restored', 'next expected by', 'size'], rows), ...(windows.length > 0 ? ['', ...windows] : []), ...(reasons.length > 0 ? ['', ...reasons] : [])].join('\n');
}
