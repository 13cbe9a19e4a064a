import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { StepRecorder } from '../core/steps';
import { chooseBase } from '../postgres/recovery/choose-base';
import type { BaseChoice, RecoveryDestination } from '../postgres/recovery/options';
import { recover } from '../postgres/recovery/recover';
import { stopRecovered } from '../postgres/recovery/stop-recovered';
import type { Store } from '../storage/store';
import { recordedCheck } from './recorded-check';
import type { VerifyResult } from './result';

export interface RecoveryDrillOptions {
	readonly store: Store;
	readonly base: BaseChoice;
	/** Folder with the program `postgres`; empty: searched. */
	readonly serverFolder: string;
	/** Who recovers in the place of a server of this machine; null: nobody. */
	readonly container: Omit<Extract<RecoveryDestination, { readonly mode: 'handOver' }>, 'mode'> | null;
	/** Where there is room for the whole server, and which the container sees too; a folder is made in it and removed. Empty: beside the job's work folder. */
	readonly folder: string;
	/** A superuser of the recovered server; empty: found by itself. */
	readonly user: string;
	/** Read every table and index with amcheck. */
	readonly checkPages: boolean;
}

const CLEAN_UP_MS = 90_000;

/**
 * Recovers a base backup with all archived WAL after it in a throwaway folder, looks that it came to the end, reads all of its pages, stops it and removes the
 * folder. The outcome goes into the catalog.
 * @throws BackupError `INVALID_INPUT` where a container is to do it and no folder that it sees was named; what recovering failed with
 */
export async function recoveryDrill(options: RecoveryDrillOptions, context: JobContext): Promise<VerifyResult> {
	const { store, container } = options;
	if (container && options.folder === '') throw new BackupError('INVALID_INPUT', 'The recovery container is to recover, and no folder was named that it sees.', 'Name the folder that is mounted in both, e.g. /recovery.');
	const target = { by: 'latest' } as const;
	const { found } = await chooseBase({ store, base: options.base, target, timeline: null }, context);
	const { manifest } = found;
	const steps = new StepRecorder(context.progress);
	return await recordedCheck({ store, manifest, level: 'restore', steps }, context, async () => {
		// Not inside the work folder, which the server's user may not enter where the job runs as root.
		const parent = options.folder === '' ? dirname(context.workFolder) : options.folder;
		const folder = await mkdtemp(join(parent, 'backup-recovery-drill-'));
		try {
			const recovered = await recover(
				{
					store,
					base: { by: 'id', id: manifest.id },
					target,
					inclusive: true,
					timeline: null,
					folder,
					destination: container ? { mode: 'handOver', ...container } : { mode: 'startHere', serverFolder: options.serverFolder },
					user: options.user,
					checkPages: options.checkPages,
					dryRun: false,
				},
				context,
			);
			steps.steps.push(...recovered.steps);
			const { reached, databases, window, warnings } = recovered;
			const detail = [
				`A server recovered from ${recovered.chain.length} backup${recovered.chain.length === 1 ? '' : 's'} and the WAL up to ${window.toLsn}; its newest transaction is of ${reached?.lastTransactionAt ?? 'before the end of the base backup'}; it has ${databases.length} databases.`,
				options.checkPages ? 'All of its pages were read.' : '',
				...warnings,
			];
			return { detail: detail.filter((part) => part !== '').join(' '), comparison: [] };
		} finally {
			const cleaning = { signal: AbortSignal.timeout(CLEAN_UP_MS), progress: context.progress };
			await stopRecovered({ folder, remove: true }, cleaning).catch((error: unknown) => {
				// Where the recovery failed, nothing is in it and no server runs.
				if ((error as { code?: unknown }).code !== 'FOLDER_NOT_FOUND') throw error;
			});
			await rm(folder, { recursive: true, force: true });
		}
	});
}
