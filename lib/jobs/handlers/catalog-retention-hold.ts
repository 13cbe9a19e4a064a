import { holdRetention, liftRetentionHold, readRetentionHold } from '../../catalog/retention-hold';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const retentionHold: JobHandler<'catalog.retentionHold'> = async ({ action, reason, ...job }, context) => {
	const store = openStore(job.store, context);
	switch (action) {
		case 'hold':
			return { hold: await holdRetention(store, { since: context.now().toISOString(), by: 'person', reason }, context.signal), lifted: null };
		case 'lift':
			return { hold: null, lifted: await liftRetentionHold(store, context.now(), context.signal) };
		case 'show':
			return { hold: (await readRetentionHold(store)) ?? null, lifted: null };
	}
};
