import fs from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { withUnpackedDump } from '../../../lib/postgres/restore/dump-files';
import { manifestOf } from '../../support/backup-fixtures';
import { failure } from '../../support/failure';
import { testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';

describe('a dump that cannot be unpacked', () => {
	afterEach(() => jest.restoreAllMocks());

	it.each(['custom', 'directory'] as const)('(%s format) leaves nothing in the work folder, also where opening a file is slow', async (format) => {
		const open = fs.open as (...args: unknown[]) => void;
		jest.spyOn(fs, 'open').mockImplementation((...args: unknown[]) => void setTimeout(() => open(...args), 20));
		const manifest = manifestOf();
		const context = await testContext();
		const dump = { store: new MemoryStore(), manifest, artifact: manifest.artifacts[0]!, format };
		expect((await failure(withUnpackedDump(dump, context, 'Unpacking', async () => undefined))).code).toBe('ARTIFACT_DAMAGED');
		await wait(60);
		expect(await readdir(context.workFolder)).toEqual([]);
		await context.remove();
	});
});
