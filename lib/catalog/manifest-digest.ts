import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json';
import { type Manifest, type ManifestWithoutDigest, manifestSchema } from './manifest';

/** SHA-256 over the canonical JSON of a manifest's fields other than `digest`. */
export function manifestDigest(fields: Readonly<Record<string, unknown>>): string {
	const { digest: _, ...rest } = fields;
	return createHash('sha256').update(canonicalJson(rest)).digest('hex');
}

/** Completes a manifest with its digest and checks it, so that nothing is published that could not be read again. */
export function sealManifest(fields: ManifestWithoutDigest): Manifest {
	const plain = JSON.parse(JSON.stringify(fields)) as Record<string, unknown>;
	return manifestSchema.parse({ ...plain, digest: manifestDigest(plain) });
}
