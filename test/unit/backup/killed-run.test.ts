import { NO_KEYS } from '../../../lib/core/keys';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishBackup } from '../../../lib/backup/publish';
import { readLastRuns } from '../../../lib/catalog/last-run';
import { listBackups } from '../../../lib/catalog/list-backups';
import { FolderStore } from '../../../lib/storage/folder-store';
import { retentionPolicySchema } from '../../../lib/retention/policy';
import { prune } from '../../../lib/retention/prune';
import { check, idAt, NEVER, publishSmall, SOURCE } from '../../support/backup-fixtures';
import { chunks } from '../../support/bytes';

let root: string;
let child: ChildProcess | undefined;
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'killed-'))));
afterEach(async () => {
	child?.kill('SIGKILL');
	await rm(root, { recursive: true, force: true });
});

test('kill -9 in the middle of a backup: nothing of it is listed, nothing is pruned, and the next run clears up and succeeds at once', async () => {
	const store = new FolderStore({ root, randomBytes });
	const earlier: string[] = [];
	for (const startedAt of ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z']) {
		earlier.unshift((await publishSmall(store, { startedAt, id: idAt(startedAt) }, [check()])).id);
	}

	child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, '../../support/workers/publish-slowly.ts'), root], { stdio: ['ignore', 'pipe', 'inherit'] });
	for await (const line of child.stdout ?? []) if (String(line).includes('writing')) break;
	child.kill('SIGKILL');
	await once(child, 'exit');

	const ids = async () => (await listBackups(store)).map(({ id }) => id);
	const dead = (await store.listFolders('backups/postgres/')).find((id) => !earlier.includes(id)) ?? '';
	expect((await readdir(join(root, 'backups/postgres', dead))).sort()).toEqual([expect.stringMatching(/^\.database\.dump\..+\.partial$/), 'first.sql']);
	expect(await ids()).toEqual(earlier);

	const context = { now: () => new Date(), randomBytes, signal: NEVER, progress: () => undefined, keys: NO_KEYS, workFolder: '/nowhere' };
	const policy = retentionPolicySchema.parse({ keepLastVerified: 1, keepDays: 0 });
	const pruned = await prune(store, context, { policy, apply: true });
	expect(pruned.deleted).toEqual([]);
	expect(pruned.decisions[1]?.reasons).toEqual([expect.stringContaining('failed')]);

	const options = { store, context, component: 'postgres' as const, kind: 'full' as const, sourceName: 'crm', lockWaitSeconds: 0 };
	const { id } = await publishBackup(options, async (draft) => {
		await draft.writeArtifact({ name: 'd', role: 'dump', mediaType: 'x', compression: { algorithm: 'none' } }, chunks('x'));
		return { source: SOURCE, instructions: 'x' };
	});
	expect(await ids()).toEqual([id, ...earlier]);
	expect((await store.listFolders('backups/postgres/')).sort()).toEqual([id, ...earlier].sort());
	expect((await readLastRuns(store)).map(({ run }) => run?.outcome)).toEqual(['success']);
	expect(await store.listFolders('locks/')).toEqual([]);
	expect((await prune(store, context, { policy, apply: true })).deleted).toEqual([earlier[1]]);
}, 60_000);
