import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, n8nEnvironment, type N8nPlaces } from './n8n-environment';
import { N8nProcess } from './n8n-process';
import { N8nRest } from './n8n-rest';

/** A second n8n on data that a restore made, without any key in its environment: what it knows it has from the restored folder. */
export interface RestoredN8n {
	readonly rest: N8nRest;
	logTail(): string;
	stop(): Promise<void>;
}

export async function startRestoredN8n(userFolder: string, database?: N8nPlaces['database']): Promise<RestoredN8n> {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-restored-n8n-'));
	const port = await freePort();
	const environment = await n8nEnvironment({ userFolder, allowedFolders: [folder], port, database }, { N8N_ENCRYPTION_KEY: '' });
	try {
		const running = await N8nProcess.start(environment, join(folder, 'n8n.log'));
		return {
			rest: new N8nRest(`http://127.0.0.1:${port}`),
			logTail: () => running.logTail(),
			stop: async () => {
				await running.stop();
				await rm(folder, { recursive: true, force: true });
			},
		};
	} catch (error) {
		await rm(folder, { recursive: true, force: true });
		throw error;
	}
}
