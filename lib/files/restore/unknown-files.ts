import type { JobContext } from '../../core/context';
import { type BytePath, comparePaths, isBelow } from '../byte-path';
import { selection } from '../selection';
import { walk } from '../walk';
import { destination, type RestoreSession, wantedEntries } from './session';

/**
 * What is in the target and not in the backup; of a folder that is not, only the folder itself. Both sides are in one order, so nothing is held.
 * @param except a folder of our own directly in the target
 */
export async function* unknownPaths(session: RestoreSession, except: BytePath, context: Pick<JobContext, 'signal'>): AsyncGenerator<BytePath, void, void> {
	const index = wantedEntries(session);
	try {
		let step = await index.next();
		let last: BytePath | undefined;
		for await (const { path } of walk({ folder: session.target.root, selection: selection({ include: [], exclude: [] }), oneFileSystem: true, signal: context.signal })) {
			if (path === except || isBelow(path, except)) continue;
			while (!step.done && comparePaths(destination(session, step.value), path) < 0) step = await index.next();
			if (!step.done && destination(session, step.value) === path) continue;
			if (last !== undefined && isBelow(path, last)) continue;
			last = path;
			yield path;
		}
	} finally {
		await index.return();
	}
}
