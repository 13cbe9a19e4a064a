import { artifactKey, COPIES_NAME, INSTRUCTIONS_NAME, MANIFEST_NAME, VERIFICATION_NAME } from '../catalog/layout';
import type { Component } from '../catalog/component';
import { type Artifact, artifactNameSchema } from '../catalog/manifest';
import { abortError } from '../core/abortable';
import { BackupError } from '../core/errors';
import type { Encryption } from '../core/keys';
import { writeStored } from '../pipeline/write-stored';
import type { Store } from '../storage/store';
import type { ArtifactSpec, BackupDraft } from './draft';

/** What stock `age` users expect at the end of an encrypted file's name. */
const ENCRYPTED_SUFFIX = '.age';

const RESERVED = new Set([MANIFEST_NAME, VERIFICATION_NAME, COPIES_NAME, INSTRUCTIONS_NAME]);

/** The artifacts of one backup while they are being written. */
export class DraftWriter implements BackupDraft {
	readonly artifacts: Artifact[] = [];
	readonly warnings: string[] = [];
	private readonly names = new Set<string>();
	private readonly running = new Set<Promise<unknown>>();
	private readonly stop = new AbortController();
	readonly signal: AbortSignal;

	constructor(
		private readonly store: Store,
		private readonly component: Component,
		readonly id: string,
		private readonly encryption: Encryption | null,
		signal: AbortSignal,
	) {
		this.signal = AbortSignal.any([signal, this.stop.signal]);
	}

	async writeArtifact(spec: ArtifactSpec, source: AsyncIterable<Uint8Array>): Promise<Artifact> {
		try {
			this.requireFreeName(spec.name, RESERVED);
			this.requireFreeName(`${spec.name}${ENCRYPTED_SUFFIX}`, RESERVED);
		} catch (error) {
			destroy(source, error);
			throw error;
		}
		return await this.write(this.encryption ? { ...spec, name: `${spec.name}${ENCRYPTED_SUFFIX}` } : spec, source, this.encryption);
	}

	warn(message: string): void {
		this.warnings.push(message);
	}

	/** `RESTORE.txt`, the artifact that every backup has; never encrypted, because it says how to decrypt the others. */
	async writeInstructions(text: string): Promise<void> {
		this.requireFreeName(INSTRUCTIONS_NAME, new Set());
		const spec: ArtifactSpec = { name: INSTRUCTIONS_NAME, role: 'instructions', mediaType: 'text/plain', compression: { algorithm: 'none' } };
		await this.write(spec, oneText(text), null);
	}

	/** Ends what is still being written and waits until nothing is. */
	async abandon(error: BackupError): Promise<void> {
		this.stop.abort(error);
		await Promise.allSettled(this.running);
	}

	private async write(spec: ArtifactSpec, source: AsyncIterable<Uint8Array>, encryption: Encryption | null): Promise<Artifact> {
		const writing = this.stream(spec, source, encryption);
		this.running.add(writing);
		try {
			return await writing;
		} finally {
			this.running.delete(writing);
		}
	}

	private async stream(spec: ArtifactSpec, source: AsyncIterable<Uint8Array>, encryption: Encryption | null): Promise<Artifact> {
		try {
			const stored = await writeStored(this.store, artifactKey(this.component, this.id, spec.name), source, {
				compression: spec.compression,
				encryption,
				signal: this.signal,
				secret: spec.secret,
				immutable: true,
				expectedBytes: spec.expectedBytes,
				digestedInside: spec.digestedInside,
				contentBytes: spec.contentBytes,
				onSourceBytes: spec.onSourceBytes,
			});
			const artifact: Artifact = { name: spec.name, role: spec.role, mediaType: spec.mediaType, ...stored };
			this.artifacts.push(artifact);
			return artifact;
		} catch (error) {
			destroy(source, error);
			throw this.signal.aborted ? abortError(this.signal) : error;
		}
	}

	private requireFreeName(name: string, reserved: ReadonlySet<string>): void {
		const plain = artifactNameSchema.safeParse(name).success;
		if (plain && !reserved.has(name) && !this.names.has(name)) {
			this.names.add(name);
			return;
		}
		throw new BackupError(
			'INTERNAL',
			`${JSON.stringify(name)} cannot be the name of an artifact of backup ${this.id}: ${plain ? 'it is taken' : 'it is not a plain file name'}.`,
			'This is an error of the package. Report it with the message above.',
		);
	}
}

/** A stream that nobody reads any more would keep its process waiting for ever. */
function destroy(source: AsyncIterable<Uint8Array>, error: unknown): void {
	const stream = source as { destroy?: (error?: Error) => unknown; on?: (event: 'error', listener: () => void) => unknown };
	if (typeof stream.destroy !== 'function') return;
	// The error is reported by whoever called; the stream's own event would be a second report, and fatal.
	stream.on?.('error', () => undefined);
	stream.destroy(error instanceof Error ? error : undefined);
}

async function* oneText(text: string): AsyncGenerator<Uint8Array, void, void> {
	yield Buffer.from(text);
}
