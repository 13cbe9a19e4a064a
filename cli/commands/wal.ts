import { sizeWords } from '../../lib/core/words';
import type { ContinuityResult, CopyWalOutcome, PruneWalOutcome } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { backupChoiceFrom, choiceOption, outputOptions, storeOptions, targetOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom, targetFrom } from '../store';
import { renderTable } from '../table';

export const walContinuity: Command = {
	name: 'wal-continuity',
	summary: 'Prove that archived WAL leads from a base backup to its newest point without a gap; says from when to when.',
	usage:
		'backup-recovery wal-continuity --store FOLDER [--base latest|ID] [--source NAME] [--level records|bytes] [--timeline 2] [--window-hours 24]\n' +
		'    [--max-age-minutes 60] [--identity-file FILE | --passphrase-file FILE]\n' +
		'    without --base: from the newest base backup that ended before the window',
	options: {
		...storeOptions,
		...keyOptions,
		...outputOptions,
		base: { type: 'string' },
		source: { type: 'string' },
		level: { type: 'string' },
		timeline: { type: 'string' },
		'window-hours': { type: 'string' },
		'max-age-minutes': { type: 'string' },
	},
	async run(values, _positionals, world) {
		const base = textOption(values, 'base');
		const source = textOption(values, 'source');
		const result = await runJob<'verify.continuity'>(
			{
				kind: 'verify.continuity',
				store: storeFrom(values, world.environment),
				decryption: await decryptionFrom(values, world),
				base: base === undefined ? { by: 'window', source } : backupChoiceFrom(base, source),
				timeline: wholeNumberOption(values, 'timeline') ?? null,
				level: choiceOption(values, 'level', ['records', 'bytes']),
				windowHours: wholeNumberOption(values, 'window-hours'),
				maxAgeMinutes: wholeNumberOption(values, 'max-age-minutes'),
			},
			world.runOptions,
		);
		for (const warning of result.warnings) world.warn(warning);
		return { result, text: describeContinuity(result) };
	},
};

export const pruneWal: Command = {
	name: 'prune-wal',
	summary: 'Say which archived WAL is no longer needed, and with --apply delete it.',
	usage: 'backup-recovery prune-wal --store FOLDER [--window-hours 24] [--system IDENTIFIER] [--apply] [--identity-file FILE | --passphrase-file FILE]',
	options: { ...storeOptions, ...keyOptions, ...outputOptions, 'window-hours': { type: 'string' }, system: { type: 'string' }, apply: { type: 'boolean' } },
	async run(values, _positionals, world) {
		const result = await runJob<'catalog.pruneWal'>(
			{
				kind: 'catalog.pruneWal',
				store: storeFrom(values, world.environment),
				decryption: await decryptionFrom(values, world),
				windowHours: wholeNumberOption(values, 'window-hours'),
				systemIdentifier: textOption(values, 'system'),
				apply: values.apply === true,
			},
			world.runOptions,
		);
		return { result, text: describePruned(result, values.apply === true) };
	},
};

export const copyWal: Command = {
	name: 'copy-wal',
	summary: 'Copy archived WAL to another store as it is stored; each byte is read back there.',
	usage:
		'backup-recovery copy-wal --store FOLDER --to FOLDER [--prefix PREFIX] [--to-prefix PREFIX] [--within-hours 48] [--system IDENTIFIER] [--recheck]\n' +
		'    --to takes what --store takes, with --to-endpoint, --to-region, … and TARGET_AWS_ACCESS_KEY_ID, TARGET_AWS_SECRET_ACCESS_KEY.',
	options: { ...storeOptions, ...targetOptions, ...outputOptions, 'within-hours': { type: 'string' }, system: { type: 'string' }, recheck: { type: 'boolean' } },
	async run(values, _positionals, world) {
		const result = await runJob<'catalog.copyWal'>(
			{
				kind: 'catalog.copyWal',
				store: storeFrom(values, world.environment),
				target: targetFrom(values, world.environment),
				withinHours: wholeNumberOption(values, 'within-hours'),
				systemIdentifier: textOption(values, 'system'),
				recheck: values.recheck === true,
			},
			world.runOptions,
		);
		return { result, text: describeCopied(result) };
	},
};

function describeContinuity({ base, window, detail, windowHours, behindSeconds }: ContinuityResult): string {
	return [
		detail,
		`Base backup ${base.id} of ${base.source}; the window is ${windowHours} hours long and ends ${behindSeconds} seconds ago.`,
		`Last commit in it: ${window.lastCommitAt ?? 'none known'}. It ends there because ${window.ends}.`,
	].join('\n');
}

function describePruned({ servers, applied, deleted, freedBytes, hold }: PruneWalOutcome, wanted: boolean): string {
	const rows = servers.flatMap(({ systemIdentifier, spans }) =>
		spans.map(({ timeline, fromLsn, toLsn, objects, action, reason }) => [systemIdentifier, String(timeline), fromLsn, toLsn, String(objects), action, reason]),
	);
	const lines = rows.length === 0 ? ['No WAL is archived in this store.'] : [renderTable(['server', 'timeline', 'from', 'to', 'files', 'action', 'reason'], rows)];
	if (hold) lines.push(`Retention is on hold: ${hold.reason}`);
	if (applied) lines.push(`${deleted} files were deleted (${sizeWords(freedBytes)}).`);
	else if (!wanted) lines.push('Nothing was deleted; give --apply to delete.');
	return lines.join('\n');
}

function describeCopied({ servers, target, copied, copiedBytes, durationSeconds }: CopyWalOutcome): string {
	const rows = servers.map(({ systemIdentifier, copied: files, present }) => [systemIdentifier, String(files), String(present)]);
	const table = rows.length === 0 ? [] : [renderTable(['server', 'copied', 'there before'], rows)];
	return [...table, `${copied} files of WAL were copied to ${target} (${sizeWords(copiedBytes)} in ${durationSeconds.toFixed(1)} s).`].join('\n');
}
