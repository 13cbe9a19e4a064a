import { z } from 'zod';
import { BackupError } from '../core/errors';
import type { Component } from './component';
import { MANIFEST_FORMAT_VERSION, type Manifest, manifestSchema } from './manifest';
import { manifestDigest } from './manifest-digest';

/**
 * Reads the text of a manifest that was found in the folder of `id`.
 * @throws BackupError `MANIFEST_TOO_NEW`, or `MANIFEST_INVALID` naming what is wrong
 */
export function parseManifest(text: string, place: { readonly component: Component; readonly id: string }): Manifest {
	const value = parseObject(text, place.id);
	const version = value.formatVersion;
	if (typeof version === 'number' && Number.isInteger(version) && version > MANIFEST_FORMAT_VERSION) {
		throw new BackupError(
			'MANIFEST_TOO_NEW',
			`The manifest of backup ${place.id} has format version ${version}; this version of the package reads up to ${MANIFEST_FORMAT_VERSION}.`,
			'Upgrade n8n-nodes-backup-recovery to the version that wrote it, or newer. The backup itself is untouched.',
		);
	}
	const parsed = manifestSchema.safeParse(value);
	if (!parsed.success) throw invalid(place.id, describeIssue(parsed.error));
	if (manifestDigest(value) !== parsed.data.digest) throw invalid(place.id, 'its digest does not fit its contents');
	if (parsed.data.id !== place.id) throw invalid(place.id, `it is that of backup ${parsed.data.id}`);
	if (parsed.data.component !== place.component) throw invalid(place.id, `it is that of the component ${parsed.data.component}, not ${place.component}`);
	const names = parsed.data.artifacts.map((artifact) => artifact.name);
	const twice = names.find((name, index) => names.indexOf(name) !== index);
	if (twice !== undefined) throw invalid(place.id, `it names the artifact ${twice} twice`);
	return parsed.data;
}

function parseObject(text: string, id: string): Record<string, unknown> {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw invalid(id, 'it is not valid JSON', error);
	}
	if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	throw invalid(id, 'it is not a JSON object');
}

function describeIssue(error: z.ZodError): string {
	const issue = error.issues[0];
	if (!issue) return 'it does not fit the format';
	const field = issue.path.map(String).join('.');
	return field === '' ? issue.message : `${field}: ${issue.message}`;
}

function invalid(id: string, problem: string, cause?: unknown): BackupError {
	return new BackupError(
		'MANIFEST_INVALID',
		`The manifest of backup ${id} cannot be used: ${problem}.`,
		'It was damaged or changed by hand. Use another backup; this one may still be restored by hand with its RESTORE.txt.',
		{ cause },
	);
}
