import type { BackupKind, Component } from '../catalog/component';
import type { Artifact, BackupSource, Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';

/** How an artifact is to be stored. */
export interface ArtifactSpec {
	readonly name: string;
	readonly role: string;
	readonly mediaType: string;
	readonly compression: { readonly algorithm: 'none' } | { readonly algorithm: 'zstd'; readonly level: number };
	/** Holds secrets (password hashes, configuration): stored with mode 0600 where the store has modes. */
	readonly secret?: boolean;
	readonly expectedBytes?: number;
	/** Leave out the SHA-256 of the source: every file in it is compared with a digest of its own, here and whenever it is read. */
	readonly digestedInside?: boolean;
	/** The source is one zstd frame of that compression already; tells how many bytes are in it, once it has been read. Needs `digestedInside`. */
	readonly contentBytes?: () => number;
	/** Bytes taken from the source so far. */
	readonly onSourceBytes?: (total: number) => void;
}

/** A backup being written. Nothing of it is visible until its manifest is published. */
export interface BackupDraft {
	readonly id: string;
	/** The job's signal, which here also fires (reason `LOCK_LOST`) when the component's lock is lost. */
	readonly signal: AbortSignal;
	/** Streams `source` through digest, compression and (where the job has a key) encryption into the store; `.age` is added to the name of what is encrypted. The source is read to its end or destroyed. */
	writeArtifact(spec: ArtifactSpec, source: AsyncIterable<Uint8Array>): Promise<Artifact>;
	/** Adds a warning to the manifest. */
	warn(message: string): void;
}

/** What the engine knows once all artifacts are written. */
export interface DraftOutcome {
	readonly source: BackupSource;
	readonly parent?: string | null;
	readonly postgres?: Manifest['postgres'];
	readonly basebackup?: Manifest['basebackup'];
	readonly redis?: Manifest['redis'];
	readonly files?: Manifest['files'];
	readonly n8n?: Manifest['n8n'];
	/** The text of `RESTORE.txt`: exact commands with stock tools. */
	readonly instructions: string;
}

export interface PublishOptions {
	readonly store: Store;
	readonly context: JobContext;
	readonly component: Component;
	readonly kind: BackupKind;
	/** `source.name` of the manifest: known before anything is connected to, so that a run that fails at once is recorded too. */
	readonly sourceName: string;
	readonly lockWaitSeconds: number;
	readonly note?: string;
	/** What to do where the job has no key to encrypt with; see `EncryptionPolicy`. Left out: `optional`. */
	readonly encryptionPolicy?: EncryptionPolicy;
}

/**
 * `optional`: written as it is; `required`: refused with `ENCRYPTION_REQUIRED`, because it holds secrets; `waived`: it holds secrets and
 * somebody allowed it all the same: written with a warning.
 */
export type EncryptionPolicy = 'optional' | 'required' | 'waived';

/**
 * Runs `write` as one backup: takes the component's lock, removes unpublished leftovers of dead runs, records the run as
 * running, lets `write` stream its artifacts, then writes RESTORE.txt, checks that the lock is still held, writes the manifest
 * last and records success. When anything fails, what was written is removed, the run is recorded as failed, and the error
 * goes on to the caller; earlier backups are untouched.
 */
export type PublishBackup = (options: PublishOptions, write: (draft: BackupDraft) => Promise<DraftOutcome>) => Promise<Manifest>;
