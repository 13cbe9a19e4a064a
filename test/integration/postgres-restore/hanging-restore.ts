/** A restore that stops for good once its dump has been restored, in a process of its own that a test can kill. */
import { readFileSync } from 'node:fs';
import { restoreDatabase } from '../../../lib/postgres/restore/restore-database';
import { openStore } from '../../../lib/storage/open-store';
import { testContext } from '../../support/job-context';

void (async () => {
	const { root, ...options } = JSON.parse(readFileSync(process.argv[2] as string, 'utf8'));
	const context = await testContext();
	const hang = (event: { step: string }) => {
		if (event.step !== 'Analyze') return;
		process.stdout.write('hanging\n', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
		// The write is synchronous on a pipe; from here on the process answers nobody.
	};
	await restoreDatabase({ ...options, store: openStore({ type: 'folder', path: root, prefix: '' }, context) }, { ...context, progress: hang });
})();
