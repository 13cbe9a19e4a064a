import { NO_KEYS } from '../../../lib/core/keys';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { publishBackup } from '../../../lib/backup/publish';
import { FolderStore } from '../../../lib/storage/folder-store';

/** Backs up into the store in the folder given, slowly and without end, until it is killed. */
async function main(): Promise<void> {
	const store = new FolderStore({ root: process.argv[2] ?? '', randomBytes });
	const signal = new AbortController().signal;
	const context = { now: () => new Date(), randomBytes, signal, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };
	await publishBackup({ store, context, component: 'postgres', kind: 'full', sourceName: 'crm', lockWaitSeconds: 0 }, async (draft) => {
		const compression = { algorithm: 'none' as const };
		const endless = async function* () {
			for (;;) {
				yield randomBytes(100_000);
				console.log('writing');
				await sleep(10);
			}
		};
		await draft.writeArtifact({ name: 'first.sql', role: 'globals', mediaType: 'text/plain', compression }, Readable.from([Buffer.from('done')]));
		await draft.writeArtifact({ name: 'database.dump', role: 'dump', mediaType: 'application/octet-stream', compression }, endless());
		throw new Error('This never ends.');
	});
}

void main();
