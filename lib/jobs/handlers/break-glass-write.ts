import { join } from 'node:path';
import { writeKit } from '../../break-glass/write-kit';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

/** Beside the compiled lib/ and cli/. */
const SINGLE_FILE = join(__dirname, '..', '..', '..', 'break-glass', 'backup-recovery.cjs');

export const writeBreakGlassKit: JobHandler<'breakGlass.write'> = async ({ kind: _, store, target, encryption: _e, decryption: _d, ...options }, context) =>
	await writeKit({ ...options, location: store, store: openStore(store, context), target: openStore(target ?? store, context), singleFile: SINGLE_FILE }, context);
