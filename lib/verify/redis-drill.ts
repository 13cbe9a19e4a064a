import { withBackupInUse } from '../backup/use-backup';
import { type BackupChoice, findBackup } from '../catalog/find-backup';
import { sourceOf } from '../catalog/source-of';
import type { JobContext } from '../core/context';
import { StepRecorder } from '../core/steps';
import type { RedisConnection } from '../redis/connection-settings';
import { runRedisDrill } from '../redis/restore/drill';
import type { Store } from '../storage/store';
import { recordedCheck } from './recorded-check';
import type { VerifyResult } from './result';

export interface RedisDrillOptions {
	readonly store: Store;
	readonly backup: BackupChoice;
	readonly connection: RedisConnection | null;
	readonly serverProgram: string;
}

/** Restores a backup of Redis into a throwaway server, compares the number of keys, and removes it. The outcome goes into the catalog. */
export async function redisDrill(options: RedisDrillOptions, context: JobContext): Promise<VerifyResult> {
	const { store } = options;
	const { manifest } = await findBackup(store, { component: 'redis', kinds: ['full'], choice: options.backup });
	sourceOf(manifest, 'redis');
	return await withBackupInUse(store, context, manifest, async (signal) => {
		const held = { ...context, signal };
		const steps = new StepRecorder(context.progress);
		return await recordedCheck({ store, manifest, level: 'restore', steps }, held, async () => ({ detail: await runRedisDrill({ ...options, manifest }, held, steps), comparison: [] }));
	});
}
