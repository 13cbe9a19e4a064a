import { NO_KEYS } from '../../../lib/core/keys';
import { readArtifact } from '../../../lib/backup/read-artifact';
import { artifactKey } from '../../../lib/catalog/layout';
import type { Artifact, Manifest } from '../../../lib/catalog/manifest';
import { NEVER, publishSmall, putText } from '../../support/backup-fixtures';
import { collect, rejection } from '../../support/bytes';
import { MemoryStore } from '../../support/memory-store';

let store: MemoryStore;
let manifest: Manifest;
let artifact: Artifact;
let key: string;
beforeEach(async () => {
	store = new MemoryStore();
	manifest = await publishSmall(store);
	artifact = manifest.artifacts[0] as Artifact;
	key = artifactKey('postgres', manifest.id, artifact.name);
});

const read = async () => await collect(readArtifact(store, manifest, artifact, { keys: NO_KEYS, signal: NEVER }));

test('a good one is read, with its progress', async () => {
	const seen: number[] = [];
	expect(String(await collect(readArtifact(store, manifest, artifact, { keys: NO_KEYS, signal: NEVER, onStoredBytes: (total) => seen.push(total) })))).toBe('hello');
	expect(seen).toEqual([5]);
});

test.each([
	['missing', async () => void store.objects.delete(key), 'it is missing from the store'],
	['cut', async () => await putText(store, key, 'hell'), 'it has 4 stored bytes instead of 5'],
	['longer', async () => await putText(store, key, 'hello!'), 'it has 6 stored bytes instead of 5'],
	['changed', async () => await putText(store, key, 'hallo'), 'the SHA-256 of its stored bytes is'],
])('%s: names the backup, the artifact and what differs', async (_name, damage, problem) => {
	await damage();
	const error = await rejection(read());
	expect(error).toMatchObject({ code: 'ARTIFACT_DAMAGED', hint: expect.stringContaining('another') });
	expect(error.message).toContain(`database.dump of backup ${manifest.id}`);
	expect(error.message).toContain(problem);
});

test('cut off between the look and the read', async () => {
	store.stat = async () => ({ key, bytes: 5, modifiedAt: new Date() });
	await putText(store, key, 'hel');
	expect(await rejection(read())).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('3 stored bytes') });
});

test('what is stored as zstd but is none', async () => {
	artifact = { ...artifact, compression: { algorithm: 'zstd', level: 1, frameBytes: 4096 } };
	expect(await rejection(read())).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('no zstd frame begins at byte 0') });
});

test('an error of the store is not taken for damage', async () => {
	store.get = async () => await Promise.reject(Object.assign(new Error('away'), { code: 'STORE_UNAVAILABLE' }));
	expect(await rejection(read())).toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
