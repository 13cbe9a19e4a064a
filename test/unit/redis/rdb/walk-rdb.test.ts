import fc from 'fast-check';
import { Crc64 } from '../../../../lib/redis/rdb/crc64';
import { decompressLzf } from '../../../../lib/redis/rdb/lzf';
import type { RdbReport } from '../../../../lib/redis/rdb/rdb-report';
import { type RdbKey, RdbWalker } from '../../../../lib/redis/rdb/walk-rdb';
import { RdbWriter } from '../../../support/rdb-writer';

function walk(rdb: Buffer, chunkBytes = rdb.length || 1): RdbReport {
	const walker = new RdbWalker();
	for (let at = 0; at < rdb.length; at += chunkBytes) walker.push(rdb.subarray(at, at + chunkBytes));
	return walker.finish();
}

const streamEntries = (writer: RdbWriter) => writer.length(1).string(Buffer.alloc(16)).string('listpack').length(1).long(1_700_000_000_000n).length(0);

/** The stream types differ in the counters and in the times of consumers. */
function stream(writer: RdbWriter, revision: 1 | 2 | 3): RdbWriter {
	streamEntries(writer);
	if (revision >= 2) writer.length(1).length(0).length(0).length(0).length(1);
	writer.length(1).string('group').length(1).length(0);
	if (revision >= 2) writer.length(1);
	writer.length(1).raw(Buffer.alloc(24)).length(1);
	writer.length(1).string('consumer').raw(Buffer.alloc(revision >= 3 ? 16 : 8)).length(1).raw(Buffer.alloc(16));
	return writer;
}

/** What each version added: type, name of the kind, and its value. */
const values: [version: number, type: number, kind: string, write: (writer: RdbWriter) => RdbWriter][] = [
	[3, 0, 'string', (w) => w.string('text')],
	[3, 0, 'string', (w) => w.byte(0xc0, 0xfe)],
	[3, 0, 'string', (w) => w.byte(0xc1, 1, 2)],
	[3, 0, 'string', (w) => w.byte(0xc2, 1, 2, 3, 4)],
	[3, 0, 'string', (w) => w.byte(0xc3).length(4).length(12).byte(0, 97, 0xe0, 2)],
	[3, 1, 'list', (w) => w.length(2).string('a').string('b')],
	[3, 2, 'set', (w) => w.length(1).string('a')],
	[3, 3, 'sorted set', (w) => w.length(4).string('a').byte(3).raw(Buffer.from('1.5')).string('b').byte(253).string('c').byte(254).string('d').byte(255)],
	[3, 4, 'hash', (w) => w.length(1).string('f').string('v')],
	[4, 9, 'hash', (w) => w.string('zipmap')],
	[4, 10, 'list', (w) => w.string('ziplist')],
	[4, 11, 'set', (w) => w.string('intset')],
	[4, 12, 'sorted set', (w) => w.string('ziplist')],
	[4, 13, 'hash', (w) => w.string('ziplist')],
	[7, 14, 'list', (w) => w.length(2).string('ziplist').string('ziplist')],
	[8, 5, 'sorted set', (w) => w.length(1).string('a').raw(Buffer.alloc(8))],
	[8, 7, 'module', (w) => w.moduleId('test-mod1', 3).length(2).length(77).length(1).long(9n).length(3).raw(Buffer.alloc(4)).length(4).raw(Buffer.alloc(8)).length(5).string('inside').length(0)],
	[9, 15, 'stream', (w) => stream(w, 1)],
	[10, 16, 'hash', (w) => w.string('listpack')],
	[10, 17, 'sorted set', (w) => w.string('listpack')],
	[10, 18, 'list', (w) => w.length(2).length(1).string('plain').length(2).string('packed')],
	[10, 19, 'stream', (w) => stream(w, 2)],
	[11, 20, 'set', (w) => w.string('listpack')],
	[11, 21, 'stream', (w) => stream(w, 3)],
	[12, 24, 'hash', (w) => w.raw(Buffer.alloc(8)).length(1).length(0).string('f').string('v')],
	[12, 25, 'hash', (w) => w.raw(Buffer.alloc(8)).string('listpack')],
	[80, 22, 'hash', (w) => w.length(1).string('f').string('v').raw(Buffer.alloc(8))],
];

describe('formats', () => {
	it.each(values)('version %i, type %i: %s', (version, type, kind, write) => {
		const rdb = write(new RdbWriter(version).database(2).key(type, 'key')).end();
		const report = walk(rdb);
		expect(report).toMatchObject({ version, databases: [{ index: 2, keys: 1, expiring: 0 }], types: { [kind]: 1 }, checksummed: version >= 5 });
		// Every cut of every chunk size gives the same.
		for (let bytes = 1; bytes < rdb.length; bytes++) expect(walk(rdb, bytes)).toEqual(report);
	});

	it('reads what stands around keys: aux, sizes, slots, idle times, frequencies, expiries, functions, module aux', () => {
		const writer = new RdbWriter(12).aux('redis-ver', '7.4.1').aux('ctime', '1700000000');
		writer.byte(0xf7).moduleId('graphdata', 1).length(2).length(1).length(5).string('x').length(0);
		writer.byte(0xf5).string('#!lua name=x\nredis.register_function()');
		writer.database(0).byte(0xfb).length(2).length(1).byte(0xf4).length(5).length(1).length(0);
		writer.expiresAt(1000).byte(0xf8).length(7).key(0, 'old').string('v');
		writer.byte(0xfd).raw(Buffer.from([0xff, 0xff, 0xff, 0x7f])).byte(0xf9, 9).key(0, 'lasting').string('v');
		const rdb = writer.end();
		const walker = new RdbWalker(undefined, 2000);
		walker.push(rdb);
		expect(walker.finish()).toMatchObject({
			databases: [{ index: 0, keys: 2, expiring: 2, expired: 1 }],
			functionLibraries: 1,
			modules: ['graphdata'],
			aux: { 'redis-ver': '7.4.1', ctime: '1700000000' },
		});
	});

	it.each<[string, Buffer, string]>([
		['a module of before Redis 4', new RdbWriter(7).key(6, 'k').end(), 'format before Redis 4.0'],
		['functions of a release candidate', new RdbWriter(10).byte(0xf6).end(), 'release candidate of Redis 7.0'],
		['hashes of a release candidate', new RdbWriter(12).key(22, 'k').end(), 'release candidate of Redis 7.4'],
		['a type of the future', new RdbWriter(13).key(99, 'k').end(), 'type 99'],
		['a foreign file', Buffer.from('PGDMP\x01\x0e\x00and more'), 'does not begin like an RDB'],
		['nothing', Buffer.alloc(0), 'ends after 0 bytes'],
		['bytes after the end', Buffer.concat([new RdbWriter(9).end(), Buffer.from('x')]), '1 bytes follow after its end'],
		['an impossible string', new RdbWriter(9).byte(0xfa, 0x81).raw(Buffer.alloc(8, 0x7f)).end(), 'claims to be'],
	])('refuses %s with the reason', (_, rdb, reason) => {
		expect(() => walk(rdb)).toThrow(reason);
	});

	it('accepts a file whose writer makes no checksums, and says so', () => {
		expect(walk(new RdbWriter(10).key(0, 'k').string('v').end('disabled')).checksummed).toBe(false);
	});
});

describe('damage', () => {
	const small = stream(new RdbWriter(11).aux('redis-ver', '7.2.0').database(0).expiresAt(5).key(0, 'a').string('b').key(21, 's'), 3).end();

	it('finds every flipped bit', () => {
		for (let at = 0; at < small.length; at++) {
			for (let bit = 0; bit < 8; bit++) {
				const damaged = Buffer.from(small);
				damaged[at] = damaged[at]! ^ (1 << bit);
				expect(() => walk(damaged)).toThrow();
			}
		}
	});

	it('finds every truncation', () => {
		for (let length = 0; length < small.length; length++) expect(() => walk(small.subarray(0, length))).toThrow();
	});

	it('never hangs or takes much memory, whatever the bytes are', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (bytes, chunk) => {
				const rdb = Buffer.concat([Buffer.from('REDIS0010'), bytes]);
				expect(() => walk(rdb, chunk)).toThrow();
			}),
			{ numRuns: 500 },
		);
	});
});

it('walks a value far larger than memory would like without holding it', () => {
	const walker = new RdbWalker();
	const head = Buffer.alloc(13);
	const bytes = 256 * 1024 * 1024;
	Buffer.from([0x00, 0x01, 0x6b, 0x80]).copy(head);
	head.writeUInt32BE(bytes, 4);
	const crc = new Crc64();
	const push = (chunk: Buffer) => {
		crc.update(chunk);
		walker.push(chunk);
	};
	push(Buffer.from('REDIS0010'));
	push(head.subarray(0, 8));
	const before = process.memoryUsage().rss;
	const chunk = Buffer.alloc(1024 * 1024, 0x78);
	for (let at = 0; at < bytes; at += chunk.length) push(chunk);
	expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * 1024);
	push(Buffer.from([0xff]));
	walker.push(crc.digest());
	expect(walker.finish()).toMatchObject({ databases: [{ keys: 1 }], largestValue: bytes + 5, largeValues: new Map([[0, bytes + 5]]) });
});

it('hands out keys and the exact bytes of values, however the file is cut', () => {
	const text = fc.string({ maxLength: 40 });
	fc.assert(
		fc.property(fc.array(fc.tuple(text, text, fc.nat(1_000_000)), { maxLength: 8 }), fc.integer({ min: 1, max: 64 }), (entries, chunkBytes) => {
			const writer = new RdbWriter(10);
			for (const [key, value, at] of entries) writer.expiresAt(at).key(0, key).string(value);
			const rdb = writer.end();
			const seen: [string, number | undefined, string][] = [];
			let current: RdbKey;
			let bytes: Buffer[] = [];
			const walker = new RdbWalker({
				beginKey: (key) => {
					current = { ...key, key: Buffer.from(key.key) };
					bytes = [];
				},
				value: (part) => bytes.push(Buffer.from(part)),
				endKey: () => seen.push([current.key.toString(), current.expiresAt, Buffer.concat(bytes).toString('hex')]),
				library: () => undefined,
			});
			for (let at = 0; at < rdb.length; at += chunkBytes) walker.push(rdb.subarray(at, at + chunkBytes));
			walker.finish();
			expect(seen).toEqual(entries.map(([key, value, at]) => [key, at, Buffer.concat([Buffer.from([Buffer.byteLength(value) < 64 ? Buffer.byteLength(value) : 0x40]), ...(Buffer.byteLength(value) < 64 ? [] : [Buffer.from([Buffer.byteLength(value) & 255])]), Buffer.from(value)]).toString('hex')]));
		}),
		{ numRuns: 200 },
	);
});

it('computes the CRC-64 of the test vector of Redis', () => {
	expect(new Crc64().update(Buffer.from('123456789')).digest().reverse().toString('hex')).toBe('e9c6d914c4b8d9ca');
	const bytes = Buffer.from('any bytes, at any cut');
	for (let at = 0; at <= bytes.length; at++) expect(new Crc64().update(bytes.subarray(0, at)).update(bytes.subarray(at)).digest()).toEqual(new Crc64().update(bytes).digest());
});

it('refuses compressed strings that lie about themselves', () => {
	expect(decompressLzf(Buffer.from([0, 97, 0xe0, 2, 0]), 12).toString()).toBe('a'.repeat(12));
	for (const [input, length] of [[[0], 1], [[0, 97], 2], [[0x20, 5], 3], [[5, 1, 2], 6], [[0, 97, 0xe0, 200, 0], 5]] as [number[], number][]) {
		expect(() => decompressLzf(Buffer.from(input), length)).toThrow('compressed string');
	}
});
