import fc from 'fast-check';
import { canonicalJson } from '../../../lib/catalog/canonical-json';
import { manifestDigest, sealManifest } from '../../../lib/catalog/manifest-digest';
import { parseManifest } from '../../../lib/catalog/parse-manifest';
import { manifestOf } from '../../support/backup-fixtures';

const good = manifestOf();
const place = { component: 'postgres' as const, id: good.id };
const [artifact] = good.artifacts;

/** The good manifest with changes, its digest made to fit: what somebody writes who wants to do harm. */
const forged = (changes: Record<string, unknown>) => {
	const fields = { ...good, ...changes };
	return JSON.stringify({ ...fields, digest: manifestDigest(fields) });
};

function thrownBy(text: string): unknown {
	try {
		parseManifest(text, place);
	} catch (error) {
		return error;
	}
	throw new Error('This should have been refused.');
}

test('a good one is read as it is, with fields that are not known yet', () => {
	expect(parseManifest(JSON.stringify(good), place)).toEqual(good);
	const extended = { future: { deep: [1, 2] }, source: { ...good.source, cluster: 'main' }, artifacts: [{ ...artifact, parts: 3 }] };
	expect(parseManifest(forged(extended), place)).toMatchObject(extended);
});

test.each([
	['../../../etc/passwd'],
	['..'],
	['a/b'],
	['/etc/passwd'],
	['.ssh'],
	['a..b'],
	['a\\b'],
	['a\nb'],
	[''],
	['x'.repeat(300)],
])('an artifact named %j is refused', (name) => {
	expect(thrownBy(forged({ artifacts: [{ ...artifact, name }] }))).toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringContaining('artifacts.0.name') });
});

test.each([
	['no JSON', '{"formatVersion": 1', 'not valid JSON'],
	['empty', '', 'not valid JSON'],
	['a list', '[]', 'not a JSON object'],
	['null', 'null', 'not a JSON object'],
	['no version', forged({ formatVersion: undefined }), 'formatVersion'],
	['version 0', forged({ formatVersion: 0 }), 'formatVersion'],
	['no artifacts', forged({ artifacts: undefined }), 'artifacts'],
	['negative size', forged({ artifacts: [{ ...artifact, storedBytes: -1 }] }), 'artifacts.0.storedBytes'],
	['a digest that is none', forged({ artifacts: [{ ...artifact, storedSha256: 'abc' }] }), 'artifacts.0.storedSha256'],
	['an unknown compression', forged({ artifacts: [{ ...artifact, compression: { algorithm: 'rot13' } }] }), 'artifacts.0.compression'],
	['a parent that is no id', forged({ parent: '../x' }), 'parent'],
	['an id that is none', forged({ id: '../x' }), 'id'],
	['the id of another', forged({ id: '20261122T020000Z-full-zzzzzz' }), 'it is that of backup 20261122T020000Z-full-zzzzzz'],
	['the component of another', forged({ component: 'redis' }), 'component redis, not postgres'],
	['an artifact twice', forged({ artifacts: [artifact, artifact] }), 'twice'],
	['changed without its digest', JSON.stringify({ ...good, storedBytes: 6 }), 'digest does not fit'],
	['a field added without its digest', JSON.stringify({ ...good, extra: 1 }), 'digest does not fit'],
])('%s: refused, saying what is wrong', (_name, text, problem) => {
	expect(thrownBy(text)).toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringContaining(problem), hint: expect.stringContaining('RESTORE.txt') });
});

test('one of a newer format asks for an upgrade, whatever else it holds', () => {
	for (const text of [forged({ formatVersion: 2 }), '{"formatVersion": 99}']) {
		expect(thrownBy(text)).toMatchObject({ code: 'MANIFEST_TOO_NEW', hint: expect.stringContaining('Upgrade') });
	}
});

test('a flipped bit anywhere is noticed', () => {
	const bytes = Buffer.from(JSON.stringify(good));
	fc.assert(
		fc.property(fc.nat(bytes.length - 1), fc.nat(6), (at, bit) => {
			const flipped = Buffer.from(bytes);
			flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
			expect(thrownBy(flipped.toString('utf8'))).toMatchObject({ code: expect.stringMatching(/^MANIFEST_(INVALID|TOO_NEW)$/) });
		}),
		{ numRuns: 500 },
	);
});

test('canonical JSON does not depend on the order of fields and survives a round trip', () => {
	expect(canonicalJson({ b: 1, a: [{ d: null, c: 'ü"\n' }], e: undefined })).toBe('{"a":[{"c":"ü\\"\\n","d":null}],"b":1}');
	fc.assert(
		fc.property(fc.jsonValue(), (value) => {
			const plain = JSON.parse(JSON.stringify(value)) as unknown;
			expect(canonicalJson(JSON.parse(canonicalJson(plain)))).toBe(canonicalJson(plain));
			expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
		}),
	);
});

test('nothing is sealed that could not be read again', () => {
	const { digest: _, ...fields } = good;
	expect(() => sealManifest({ ...fields, id: 'x' })).toThrow();
	expect(sealManifest(fields)).toEqual(good);
});
