import { randomBytes } from 'node:crypto';
import { acquireLock } from '../../../lib/catalog/locks';
import { FolderStore } from '../../../lib/storage/folder-store';

/** Takes the lock `postgres` of the store in the folder given, says so, and keeps it until it is killed. */
async function main(): Promise<void> {
	const store = new FolderStore({ root: process.argv[2] ?? '', randomBytes });
	const context = { now: () => new Date(), randomBytes, signal: new AbortController().signal };
	await acquireLock(store, context, { name: 'postgres', mode: 'exclusive', purpose: 'holding the lock for a test', waitSeconds: 0 });
	console.log('held');
	setInterval(() => undefined, 1000);
}

void main();
