import { previousName } from './database-names';
import type { RestoreOptions } from './options';
import type { StoredDump } from './dump-files';

/** What a restore would do, in order, in plain words. */
export function restorePlan(options: Pick<RestoreOptions, 'target' | 'parallelJobs'>, facts: {
	readonly dump: StoredDump;
	readonly liveExists: boolean;
	readonly missingRoles: readonly string[];
	readonly now: Date;
}): string[] {
	const { target, parallelJobs } = options;
	const name = JSON.stringify(target.database);
	const { manifest, artifact } = facts.dump;
	const plan: string[] = [];
	if (facts.missingRoles.length > 0) plan.push(`Create the missing roles ${facts.missingRoles.join(', ')} from the globals backup.`);
	const beside = target.mode !== 'existing';
	if (beside) plan.push(`Create an empty database beside ${name}, with the recorded encoding, locale and owner.`);
	else plan.push(`Check every byte of ${artifact.name} before anything is written.`);
	const how = parallelJobs > 1 ? ` with ${parallelJobs} jobs` : '';
	plan.push(`Restore ${artifact.name} of backup ${manifest.id} (${manifest.source.name}, ${manifest.startedAt}) into ${beside ? 'it' : name}${how}.`);
	plan.push('Run ANALYZE.');
	const tables = manifest.postgres?.proof?.tables.length ?? 0;
	plan.push(`Compare ${tables} tables with the proof taken when the backup was made; end here, with nothing changed, if anything differs.`);
	plan.push('Restore the settings of the database (ALTER DATABASE … SET, settings of roles, privileges).');
	switch (target.mode) {
		case 'new':
			plan.push(`Give it the name ${name}.`);
			break;
		case 'existing':
			break;
		case 'swap':
			if (facts.liveExists) {
				const kept = previousName(target.database, 'before', facts.now, new Set());
				plan.push(`Disconnect the clients of ${name}, rename it to ${JSON.stringify(kept)} (the time will differ) and give its name to the restored one, in one transaction.`);
				plan.push(`Keep the database that was live before until you drop it with "Drop Previous"; "Undo Swap" brings it back.`);
			} else plan.push(`Give it the name ${name}, which no database has now.`);
			break;
	}
	return plan;
}
