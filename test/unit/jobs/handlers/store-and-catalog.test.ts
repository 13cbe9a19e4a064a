import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp } from '../../../../lib/jobs/handlers/catalog-clean-up';
import { listBackupsHandler } from '../../../../lib/jobs/handlers/catalog-list';
import { prune } from '../../../../lib/jobs/handlers/catalog-prune';
import { testStore } from '../../../../lib/jobs/handlers/store-test';
import { retentionPolicySchema } from '../../../../lib/retention/policy';
import { FolderStore } from '../../../../lib/storage/folder-store';
import { check, idAt, publishSmall, putText } from '../../../support/backup-fixtures';
import { rejection } from '../../../support/bytes';
import { testContext, type TestContext } from '../../../support/job-context';

let root: string;
let context: TestContext;
let store: { type: 'folder'; path: string; prefix: string };
beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'handlers-'));
	context = await testContext();
	store = { type: 'folder', path: root, prefix: 'crm' };
});
afterEach(async () => {
	await context.remove();
	await rm(root, { recursive: true, force: true });
});

async function seed(): Promise<string[]> {
	const inside = new FolderStore({ root, prefix: 'crm', randomBytes });
	await putText(inside, 'backups/postgres/20250101T000000Z-full-dead01/x', 'half');
	const ids: string[] = [];
	for (const startedAt of ['2026-01-03T00:00:00.000Z', '2026-01-02T00:00:00.000Z', '2026-01-01T00:00:00.000Z']) {
		ids.push((await publishSmall(inside, { startedAt, id: idAt(startedAt) }, [check()])).id);
	}
	return ids;
}

test('store.test says where the store is and what is free, and leaves nothing behind', async () => {
	const result = await testStore({ kind: 'store.test', store }, context);
	expect(result.store).toBe(`folder ${root}/crm`);
	expect(result.freeBytes).toBeGreaterThan(0);
	expect(await readdir(root)).toEqual(['crm']);
	expect(await readdir(join(root, 'crm'))).toEqual([]);
	expect(await rejection(testStore({ kind: 'store.test', store: { ...store, path: join(root, 'no') } }, context))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
});

test('catalog.list filters and limits', async () => {
	const ids = await seed();
	const list = async (job: Partial<Parameters<typeof listBackupsHandler>[0]>) =>
		(await listBackupsHandler({ kind: 'catalog.list', store, limit: 1000, ...job }, context)).backups.map(({ id }) => id);
	expect(await list({})).toEqual(ids);
	expect(await list({ component: 'postgres', backupKind: 'full', source: 'crm', limit: 2 })).toEqual(ids.slice(0, 2));
	expect(await list({ component: 'redis' })).toEqual([]);
	expect(await list({ backupKind: 'extract' })).toEqual([]);
	expect(await list({ source: 'erp' })).toEqual([]);
});

test('catalog.prune plans, then applies', async () => {
	const ids = await seed();
	const policy = retentionPolicySchema.parse({ keepLastVerified: 2, keepDays: 0 });
	const job = { kind: 'catalog.prune' as const, store, policy, walWindowHours: 24 };
	expect(await prune({ ...job, apply: false }, context)).toMatchObject({ applied: false, deleted: [] });
	const applied = await prune({ ...job, apply: true }, context);
	expect(applied).toMatchObject({ applied: true, deleted: [ids[2]] });
	expect(applied.freedBytes).toBeGreaterThan(0);
	expect(context.events).toContainEqual(expect.objectContaining({ step: 'Deleting old backups', total: 1 }));
});

test('catalog.cleanUp lists, then removes', async () => {
	await seed();
	const job = { kind: 'catalog.cleanUp' as const, store, olderThanMinutes: 0 };
	// The file system's clock is coarse: what was written just now must be older than the lock that follows.
	await new Promise((resolve) => setTimeout(resolve, 20));
	const found = await cleanUp({ ...job, apply: false }, context);
	expect(found.leftovers.map(({ key }) => key)).toEqual(['backups/postgres/20250101T000000Z-full-dead01/x']);
	expect(await cleanUp({ ...job, apply: true }, context)).toMatchObject({ applied: true, freedBytes: 4 });
	expect((await cleanUp({ ...job, apply: false }, context)).leftovers).toEqual([]);
});
