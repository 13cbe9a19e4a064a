import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { readEntry } from './list-backups';
import type { Manifest } from './manifest';

/** Nobody makes longer chains; a forged one must not go round for ever. */
const LONGEST_CHAIN = 1000;

/**
 * A backup with everything that it needs, the full one first and the backup itself last.
 * @throws BackupError `CHAIN_INCOMPLETE` when a member is missing, damaged, or of something else; `MANIFEST_*` when one cannot be read
 */
export async function readChain(store: Store, manifest: Manifest): Promise<Manifest[]> {
	const chain = [manifest];
	for (let child = manifest; child.parent !== null; ) {
		const id = child.parent;
		const problem = (what: string) =>
			new BackupError(
				'CHAIN_INCOMPLETE',
				`Backup ${manifest.id} needs backup ${id}, which ${what}.`,
				'Restore an older backup whose chain is complete, bring the missing one back from another copy of the store, and make a new full backup now.',
			);
		if (chain.length >= LONGEST_CHAIN || chain.some((member) => member.id === id)) throw problem('is part of a chain without an end');
		const parent: Awaited<ReturnType<typeof readEntry>> = await readEntry(store, { component: manifest.component, id });
		if (!parent) throw problem(`is not in the store (${store.description})`);
		if (!parent.manifest || parent.summary.status === 'damaged') throw problem(`is damaged: ${parent.summary.problem ?? 'its manifest cannot be read'}`);
		if (parent.manifest.source.type !== manifest.source.type || parent.manifest.source.name !== manifest.source.name) throw problem('is one of another source');
		chain.unshift(parent.manifest);
		child = parent.manifest;
	}
	return chain;
}
