import { artifactKey, componentFolder, manifestKey } from '../catalog/layout';
import type { Manifest } from '../catalog/manifest';
import { COMPONENTS } from '../catalog/component';
import type { Store } from '../storage/store';

/** What has to be in the store of one backup. */
export type ExpectedArtifacts = Pick<Manifest, 'component' | 'id'> & { readonly artifacts: readonly { readonly name: string; readonly bytes: number }[] };

/** Of a manifest only what is needed here: a store of years has many, and some are large. */
export function expectedArtifacts({ component, id, artifacts }: Manifest): ExpectedArtifacts {
	return { component, id, artifacts: artifacts.map(({ name, storedBytes }) => ({ name, bytes: storedBytes })) };
}

/**
 * Which backups lack something, told from names and sizes alone: lists the store once and reads no artifact.
 * @returns for each by its id, which artifact, and what is the matter with it
 */
export async function findLostArtifacts(store: Store, backups: readonly ExpectedArtifacts[]): Promise<Map<string, string>> {
	const sizes = new Map<string, number>();
	for (const component of COMPONENTS) {
		if (!backups.some((backup) => backup.component === component)) continue;
		for await (const { key, bytes } of store.list(componentFolder(component))) sizes.set(key, bytes);
	}
	const lost = new Map<string, string>();
	for (const backup of backups) {
		const suspects = backup.artifacts.filter(({ name, bytes }) => sizes.get(artifactKey(backup.component, backup.id, name)) !== bytes);
		const problem = suspects.length === 0 ? undefined : await confirm(store, backup, suspects);
		if (problem !== undefined) lost.set(backup.id, problem);
	}
	return lost;
}

/** Listing a large store takes its time: what was not in it may be there by now, or the backup was deleted meanwhile, its manifest first. */
async function confirm(store: Store, { component, id }: ExpectedArtifacts, suspects: ExpectedArtifacts['artifacts']): Promise<string | undefined> {
	for (const { name, bytes } of suspects) {
		const found = await store.stat(artifactKey(component, id, name));
		if (found?.bytes === bytes) continue;
		if (!(await store.stat(manifestKey(component, id)))) return undefined;
		return found ? `${name} has ${found.bytes} bytes instead of ${bytes}` : `${name} is not in the store`;
	}
	return undefined;
}
