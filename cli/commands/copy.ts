import { sizeWords } from '../../lib/core/words';
import { COMPONENTS } from '../../lib/catalog/component';
import type { CopyOutcome } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { backupChoiceFrom, choiceOption, type OptionValues, outputOptions, storeOptions, targetOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom, targetFrom } from '../store';
import { renderTable } from '../table';
import { UsageError } from '../usage-error';
import { recoveryPointChoiceFrom } from './recovery-points';

export const copy: Command = {
	name: 'copy',
	summary: 'Copy backups to another store as they are stored; each byte is read back there.',
	usage:
		'backup-recovery copy --store FOLDER --to FOLDER [--prefix PREFIX] [--to-prefix PREFIX] [--recheck]\n' +
		'    --to takes what --store takes, with --to-endpoint, --to-region, … and TARGET_AWS_ACCESS_KEY_ID, TARGET_AWS_SECRET_ACCESS_KEY.\n' +
		'    everything that is missing there:  [--component files] [--source NAME] [--within-days 30]\n' +
		'    one backup, and what it needs:     --backup latest|latest-verified|ID [--component postgres] [--source NAME]\n' +
		'    the backups of one run:            --recovery-point latest|latest-complete|ID',
	options: {
		...storeOptions,
		...targetOptions,
		...outputOptions,
		component: { type: 'string' },
		source: { type: 'string' },
		backup: { type: 'string', short: 'b' },
		'recovery-point': { type: 'string' },
		'within-days': { type: 'string' },
		recheck: { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const result = await runJob<'catalog.copy'>(
			{ kind: 'catalog.copy', store: storeFrom(values, world.environment), target: targetFrom(values, world.environment), selection: selectionFrom(values), recheck: values.recheck === true },
			world.runOptions,
		);
		return { result, text: describe(result) };
	},
};

function selectionFrom(values: OptionValues) {
	const backup = textOption(values, 'backup');
	const point = textOption(values, 'recovery-point');
	const component = choiceOption(values, 'component', COMPONENTS);
	const source = textOption(values, 'source');
	if (backup !== undefined && point !== undefined) throw new UsageError('Give either --backup or --recovery-point, not both.');
	if (backup !== undefined) return { what: 'backup' as const, component: component ?? ('postgres' as const), backup: backupChoiceFrom(backup, source) };
	if (point !== undefined) return { what: 'recoveryPoint' as const, recoveryPoint: recoveryPointChoiceFrom(point) };
	return { what: 'missing' as const, component, source, withinDays: wholeNumberOption(values, 'within-days') };
}

function describe({ copies, skipped, copiedBytes, durationSeconds, target, recoveryPoint }: CopyOutcome): string {
	const rows = copies.map(({ backup, outcome, copiedBytes: bytes }) => [backup.id, backup.component, outcome, sizeWords(bytes)]);
	const lines = rows.length === 0 ? [] : [renderTable(['id', 'component', 'outcome', 'copied'], rows), ''];
	for (const { id, reason } of skipped) lines.push(`Passed over ${id}: ${reason}.`);
	if (recoveryPoint !== null) lines.push(`Recovery point ${recoveryPoint} is in ${target}.`);
	const copied = copies.filter(({ outcome }) => outcome !== 'present').length;
	lines.push(`${copied} of ${copies.length} backups were copied to ${target} (${sizeWords(copiedBytes)} in ${durationSeconds.toFixed(1)} s); the others were there.`);
	return lines.join('\n');
}
