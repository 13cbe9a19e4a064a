import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifactKey, manifestKey } from '../../../lib/catalog/layout';
import { listBackups } from '../../../lib/catalog/list-backups';
import { checkArchive } from '../../../lib/files/check-archive';
import { prune } from '../../../lib/retention/prune';
import { filesDrill } from '../../../lib/verify/files-drill';
import { keysOf, newAgePair } from '../../support/age';
import { failure } from '../../support/failure';
import { type Fault, FaultyStore } from '../../support/faulty-store';
import { FilesFixture, readTree, treeDifferences } from '../../support/file-trees';
import { MemoryStore } from '../../support/memory-store';
import { testContext } from '../../support/job-context';

// Other work on the machine may slow a test down; it says nothing about the package.
jest.setTimeout(30_000);

let store: MemoryStore;
let fixture: FilesFixture;
let folder: string;
beforeEach(async () => {
	store = new MemoryStore();
	fixture = await FilesFixture.make(store);
	folder = fixture.path('uploads');
	await mkdir(folder);
	await writeFile(join(folder, 'a'), 'one');
});
afterEach(async () => await fixture.remove());

let round = 0;
async function incremental(options: Parameters<FilesFixture['archive']>[1] = {}, overrides: Parameters<FilesFixture['archive']>[3] = {}) {
	round += 1;
	await writeFile(join(folder, `round ${round}`), String(round));
	return await fixture.archive(folder, { mode: 'incremental', ...options }, undefined, overrides);
}

test('After so many incremental backups the next is a full one', async () => {
	const kinds: string[] = [];
	for (let at = 0; at < 6; at++) kinds.push((await incremental({ mostIncrementals: 2 })).kind);
	expect(kinds).toEqual(['full', 'incremental', 'incremental', 'full', 'incremental', 'incremental']);
});

test('Backups of another folder, or another component, are no parents', async () => {
	await fixture.archive(folder, { label: 'other' });
	await fixture.archive(folder, { component: 'logs' });
	expect((await incremental()).kind).toBe('full');
});

describe('A parent that cannot be used', () => {
	const damageIndex = (id: string) => {
		const { content } = store.objects.get(artifactKey('files', id, 'index.jsonl.zst'))!;
		content[content.length >> 1]! ^= 1;
	};

	test('makes the backup a full one, with a warning', async () => {
		damageIndex((await incremental()).id);
		const { kind, warnings } = await incremental();
		expect(kind).toBe('full');
		expect(warnings).toEqual([expect.stringMatching(/^A full backup was made instead.*damaged/)]);
	});

	test('fails the run, as chosen', async () => {
		damageIndex((await incremental()).id);
		expect(await failure(incremental({ missingParent: 'fail' }))).toMatchObject({ code: 'ARTIFACT_DAMAGED' });
		expect(await failure(incremental({ missingParent: 'fail', label: 'none' }))).toMatchObject({ code: 'BACKUP_NOT_FOUND' });
	});

	test('because a member of its chain is gone, makes the backup a full one; what needs it says so', async () => {
		const { id: full } = await incremental();
		const { id } = await incremental();
		store.objects.delete(manifestKey('files', full));
		expect(await failure(fixture.restore(fixture.path('x'), { backup: { by: 'id', id } }))).toMatchObject({ code: 'CHAIN_INCOMPLETE', message: expect.stringContaining(full) });
		expect((await incremental()).kind).toBe('full');
	});
});

test('An encrypted chain is built and restored with the identity; without it the next backup is a full one, with a warning', async () => {
	const keys = keysOf(await newAgePair());
	expect((await incremental({}, { keys })).kind).toBe('full');
	const { kind, artifacts } = await incremental({}, { keys });
	expect(kind).toBe('incremental');
	expect(artifacts.map(({ name }) => name)).toEqual(['files.tar.zst.age', 'index.jsonl.zst.age', 'deleted.list.zst.age', 'RESTORE.txt']);
	await fixture.restore(fixture.path('restored'), {}, { keys });
	expect(treeDifferences(await readTree(folder), await readTree(fixture.path('restored')))).toEqual([]);
	expect(await failure(fixture.restore(fixture.path('x')))).toMatchObject({ code: 'KEY_MISSING' });
	expect(await incremental({}, { keys: { ...keys, decryption: null } })).toMatchObject({ kind: 'full', warnings: [expect.stringContaining('A full backup was made instead')] });
});

test('After a change of the keys a new chain begins, also where the old one can be read', async () => {
	const [old, fresh, spare] = [await newAgePair(), await newAgePair(), await newAgePair()];
	const identities = [old.identity, fresh.identity];
	const to = (...pairs: { recipient: string }[]) => ({ keys: { encryption: { to: 'recipients' as const, recipients: pairs.map(({ recipient }) => recipient) }, decryption: { identities } } });
	await incremental({}, to(old));
	expect((await incremental({}, to(old))).kind).toBe('incremental');
	expect(await failure(incremental({ missingParent: 'fail' }, to(fresh)))).toMatchObject({ code: 'KEY_WRONG', message: expect.stringContaining(old.recipient) });
	expect(await incremental({}, to(fresh))).toMatchObject({ kind: 'full', warnings: [expect.stringMatching(/^A full backup was made instead.*could not be restored with every one of those keys/)] });
	expect((await incremental({}, to(fresh))).kind).toBe('incremental');
	await fixture.restore(fixture.path('restored'), {}, { keys: { encryption: null, decryption: { identities: [fresh.identity] } } });
	expect(treeDifferences(await readTree(folder), await readTree(fixture.path('restored')))).toEqual([]);
	expect((await incremental({}, to(fresh, spare))).kind).toBe('full');
	expect((await incremental({}, to(fresh))).kind).toBe('incremental');
});

test('A drill restores the whole chain, records it and leaves nothing; structure reads every archive', async () => {
	for (let at = 0; at < 3; at++) await incremental();
	const context = await testContext();
	try {
		const result = await filesDrill({ store, component: 'files', backup: { by: 'latest' }, folder: '' }, context);
		expect(result).toMatchObject({ passed: true, level: 'restore', backup: { verified: { level: 'restore' } } });
		expect(result.detail).toContain('from 3 backups');
		for (const backup of await listBackups(store, {})) {
			const manifest = JSON.parse(store.objects.get(manifestKey('files', backup.id))!.content.toString()) as Parameters<typeof checkArchive>[1];
			const inner = await testContext();
			expect((await checkArchive(store, manifest, inner)).entries).toBeGreaterThan(1);
			await inner.remove();
		}
		expect((await readdir(context.workFolder)).filter((name) => name.includes('drill'))).toEqual([]);
	} finally {
		await context.remove();
	}
});

test('Pruning keeps what a kept incremental backup needs, and a chain in use as a whole', async () => {
	const ids: string[] = [];
	for (let at = 0; at < 3; at++) ids.push((await incremental()).id);
	const context = await testContext({ now: () => new Date(Date.now() + 400 * 86_400_000) });
	try {
		const policy = { keepLastVerified: 1, keepDays: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepRecoveryPoints: 0, timeZone: 'UTC' };
		expect((await prune(store, context, { policy, apply: true })).deleted).toEqual([]);
		await fixture.restore(fixture.path('restored'), { backup: { by: 'id', id: ids[2]! } });
	} finally {
		await context.remove();
	}
});

test('Whichever call of the store fails, the run fails, earlier backups restore, and the next run succeeds', async () => {
	await incremental();
	const before = await readTree(folder);
	const counting = new FaultyStore(store);
	const [fixtureStore, run] = [fixture.store, async (target: FaultyStore) => {
		(fixture as { store: unknown }).store = target;
		try {
			return await fixture.archive(folder, { mode: 'incremental', missingParent: 'fail' });
		} finally {
			(fixture as { store: unknown }).store = fixtureStore;
		}
	}];
	const known = (await run(counting)).id;
	for (let position = 1; position <= counting.calls.length; position++) {
		const mode: Fault['mode'] = position % 2 === 0 ? 'midway' : 'before';
		const published = new Set((await listBackups(store, {})).map(({ id }) => id));
		const outcome = await run(new FaultyStore(store, { position, mode })).then(
			() => 'success',
			() => 'failed',
		);
		const after = (await listBackups(store, {})).map(({ id }) => id).filter((id) => !published.has(id));
		expect([position, outcome, after.length]).toEqual([position, outcome, outcome === 'success' ? 1 : 0]);
	}
	await fixture.restore(fixture.path('restored'), { backup: { by: 'id', id: known } });
	expect(treeDifferences(before, await readTree(fixture.path('restored')))).toEqual([]);
	expect((await incremental()).kind).toBe('incremental');
});

test('A cancelled run leaves nothing visible', async () => {
	const controller = new AbortController();
	for (let at = 0; at < 200; at++) await writeFile(join(folder, `file ${at}`), 'x');
	const progress = ({ done }: { done?: number }) => {
		if ((done ?? 0) > 100) controller.abort();
	};
	expect(await failure(fixture.archive(folder, {}, undefined, { signal: controller.signal, progress }))).toMatchObject({ code: 'CANCELLED' });
	expect([...store.objects.keys()].filter((key) => key.startsWith('backups/'))).toEqual([]);
});
