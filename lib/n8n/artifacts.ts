import type { Artifact, Manifest } from '../catalog/manifest';
import { BackupError } from '../core/errors';

/** The files of a backup of n8n. */
export const ARTIFACTS = {
	sqlite: { name: 'database.sqlite.zst', role: 'database' },
	settings: { name: 'config.json', role: 'settings' },
	packages: { name: 'nodes-package.json', role: 'packages' },
	binary: { name: 'binary-data.tar.zst', role: 'binary' },
} as const;

/** @throws BackupError `ARTIFACT_DAMAGED` when the backup does not name such a file */
export function requiredArtifact(manifest: Manifest, { role, name }: { readonly role: string; readonly name: string }): Artifact {
	const artifact = optionalArtifact(manifest, role);
	if (artifact) return artifact;
	const code = role === ARTIFACTS.settings.role ? 'N8N_KEY_MISSING' : 'ARTIFACT_DAMAGED';
	throw new BackupError(code, `Backup ${manifest.id} lacks ${role === ARTIFACTS.settings.role ? "n8n's encryption key" : name}.`, 'Use another backup.');
}

export function optionalArtifact(manifest: Manifest, role: string): Artifact | undefined {
	return manifest.artifacts.find((artifact) => artifact.role === role);
}
