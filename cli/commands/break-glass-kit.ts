import { readFile } from 'node:fs/promises';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { listOption, outputOptions, storeOptions, targetOptions, textOption } from '../options';
import { storeFrom, targetFrom } from '../store';
import { renderTable } from '../table';

export const breakGlassKit: Command = {
	name: 'break-glass-kit',
	summary: 'Write what people need to restore without n8n, encrypted, and prove it in an empty folder.',
	usage:
		'backup-recovery break-glass-kit --store FOLDER [--to OTHER-FOLDER] --recipient age1... [--recipient age1...]... [--title TEXT] [--notes-file FILE] [--include-store-keys]\n' +
		'    [--identity-file FILE | --passphrase-file FILE]   opens the backups, for the proof',
	options: { ...storeOptions, ...targetOptions, ...outputOptions, ...keyOptions, recipient: { type: 'string', multiple: true }, title: { type: 'string' }, 'notes-file': { type: 'string' }, 'include-store-keys': { type: 'boolean' } },
	async run(values, _positionals, world) {
		const notes = textOption(values, 'notes-file');
		const recipients = listOption(values, 'recipient');
		const result = await runJob<'breakGlass.write'>(
			{
				kind: 'breakGlass.write',
				store: storeFrom(values, world.environment),
				target: textOption(values, 'to') === undefined ? null : targetFrom(values, world.environment),
				encryption: recipients.length === 0 ? null : { to: 'recipients', recipients },
				decryption: await decryptionFrom(values, world),
				title: textOption(values, 'title'),
				notes: notes === undefined ? '' : await readFile(notes, 'utf8'),
				includeStoreKeys: values['include-store-keys'] === true,
			},
			world.runOptions,
		);
		const steps = renderTable(['step', 'seconds', 'detail'], result.steps.map(({ step, seconds, detail }) => [step, seconds.toFixed(1), detail]));
		return { result, text: [steps, '', `${result.kit.file} in ${result.kit.store}, SHA-256 ${result.kit.sha256}.`, ...result.warnings.map((warning) => `Warning: ${warning}`)].join('\n') };
	},
};
