import { withBackupInUse } from '../backup/use-backup';
import type { BackupKind, Component } from '../catalog/component';
import { type BackupChoice, findBackup } from '../catalog/find-backup';
import type { Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { PostgresConnection } from '../postgres/connection-settings';
import { runDrill } from '../postgres/restore/drill';
import { StepRecorder } from '../core/steps';
import type { Store } from '../storage/store';
import { checkAssertions, parseAssertions } from './assertions';
import { checkByHttp } from './http-check';
import { recordedCheck } from './recorded-check';
import type { VerifyResult } from './result';

export interface RestoreDrillOptions {
	readonly store: Store;
	readonly component: Component;
	readonly backup: BackupChoice;
	readonly connection: PostgresConnection;
	readonly parallelJobs: number;
	readonly globals: BackupChoice | null;
	/** Blocks of SQL that must hold in the restored database, see `parseAssertions`; left out: none. */
	readonly assertions?: string;
	/** Address that is told where the restored database is and answers 2xx when it is content; left out: none. */
	readonly httpCheck?: string;
	/** For each assertion, and for the address. */
	readonly assertionTimeoutSeconds?: number;
}

/**
 * Restores a backup into a throwaway database, compares it with the proof and drops it. The outcome goes into the catalog.
 * @throws BackupError `INVALID_INPUT` for a backup that no drill can prove; what the restore failed with
 */
export async function restoreDrill(options: RestoreDrillOptions, context: JobContext): Promise<VerifyResult> {
	const { store } = options;
	const { manifest } = await findBackup(store, { component: options.component, kinds: drillKinds(options.backup), choice: options.backup });
	checkDrillable(manifest);
	return await withBackupInUse(store, context, manifest, async (signal) => {
		const held = { ...context, signal };
		const steps = new StepRecorder(context.progress);
		return await recordedCheck({ store, manifest, level: 'restore', steps }, held, async () => await runDrill({ ...options, manifest, ...examination(options, manifest.id, signal) }, held, steps));
	});
}

/** What the user wants to know of the restored database besides its contents. A failure speaks against the data or the assertion, not against the backup. */
function examination(options: RestoreDrillOptions, backup: string, signal: AbortSignal): { examine?: (database: string) => Promise<string> } {
	const assertions = parseAssertions(options.assertions ?? '');
	const { connection, httpCheck: url = '', assertionTimeoutSeconds: limit = 300 } = options;
	if (assertions.length === 0 && url === '') return {};
	return {
		examine: async (database) => {
			const inSql = assertions.length === 0 ? '' : await checkAssertions({ connection, database, assertions, statementTimeoutSeconds: limit, signal });
			const body = { database, host: connection.host, port: connection.port, backup };
			const byHttp = url === '' ? '' : await checkByHttp({ url, body, timeoutSeconds: limit, signal });
			return [inSql, byHttp].filter((sentence) => sentence !== '').join(' ');
		},
	};
}

/** The newest means the newest whole backup; one chosen by id is taken as it is and refused with the reason where no drill can prove it. */
function drillKinds(choice: BackupChoice): BackupKind[] | undefined {
	return choice.by === 'id' ? undefined : ['full'];
}

function checkDrillable(manifest: Manifest): void {
	if (manifest.kind === 'globals' || manifest.kind === 'extract') {
		const what = manifest.kind === 'globals' ? 'Roles belong to a whole server, so a throwaway database cannot prove them' : 'An extract is not a backup of a database';
		throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} is of kind ${manifest.kind}. ${what}.`, 'Use "Integrity" with the level "structure" for it.');
	}
	if (!manifest.postgres?.proof) {
		throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} holds no proof with which a restored database could be compared.`, 'Use "Integrity" for it, and make a new backup.');
	}
}
