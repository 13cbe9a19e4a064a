import { sizeWords } from '../../lib/core/words';
import { BACKUP_KINDS, COMPONENTS } from '../../lib/catalog/component';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { choiceOption, outputOptions, storeOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom } from '../store';
import { renderTable } from '../table';

export const list: Command = {
	name: 'list',
	summary: 'Show the backups of a store, newest first.',
	usage: 'backup-recovery list --store FOLDER [--component postgres] [--kind full] [--source DATABASE] [--limit 20] [--json]',
	options: {
		...storeOptions,
		...outputOptions,
		component: { type: 'string' },
		kind: { type: 'string' },
		source: { type: 'string' },
		limit: { type: 'string' },
	},
	async run(values, _positionals, world) {
		const result = await runJob<'catalog.list'>(
			{
				kind: 'catalog.list',
				store: storeFrom(values, world.environment),
				component: choiceOption(values, 'component', COMPONENTS),
				backupKind: choiceOption(values, 'kind', BACKUP_KINDS),
				source: textOption(values, 'source'),
				limit: wholeNumberOption(values, 'limit') ?? 1000,
			},
			world.runOptions,
		);
		if (result.backups.length === 0) return { result, text: 'No backups found.' };
		const rows = result.backups.map((backup) => [
			backup.id,
			backup.component,
			backup.kind,
			backup.source,
			backup.startedAt,
			sizeWords(backup.storedBytes),
			backup.status === 'damaged' ? `DAMAGED: ${backup.problem ?? ''}` : (backup.verified?.level ?? 'not verified'),
		]);
		return { result, text: renderTable(['id', 'component', 'kind', 'source', 'started', 'size', 'verified'], rows) };
	},
};
