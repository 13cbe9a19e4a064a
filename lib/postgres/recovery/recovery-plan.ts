import type { Manifest } from '../../catalog/manifest';
import type { ChosenBase } from './choose-base';
import type { RecoverOptions } from './options';
import { describeTarget } from './target';

/** What a recovery would do, in order. */
export function recoveryPlan(options: RecoverOptions, { wal, records }: ChosenBase, chain: readonly Manifest[]): string[] {
	const { destination, folder, target, inclusive } = options;
	const files = records.length;
	const start = {
		startHere: ['Start a server of this machine there, on a private socket, and let it replay the WAL.'],
		handOver: ['Ask the container "postgres-recovery", which sees the same folder, to start it, and wait for it over the network.'],
		prepareOnly: ['Leave it to a person to start it.'],
	}[destination.mode];
	const prove = destination.mode === 'prepareOnly' ? [] : ['Check that it is no longer in recovery, and that it stopped at the target.', ...(options.checkPages ? ['Read all of its pages.'] : [])];
	return [
		`Lay out ${chain.length === 1 ? `the base backup ${chain[0]?.id ?? ''}` : `the base backup ${chain[0]?.id ?? ''} with ${chain.length - 1} incremental ones`} in ${folder}.`,
		`Lay out ${files} object${files === 1 ? '' : 's'} of the WAL archive, up to ${wal.window.toLsn}.`,
		`Set the target: ${describeTarget(target)}${target.by === 'latest' ? '' : inclusive ? ', just after it' : ', just before it'}, on timeline ${wal.timeline}.`,
		...start,
		...prove,
	];
}
