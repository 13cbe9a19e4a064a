import fc from 'fast-check';
import { parseServerInfo } from '../../../lib/redis/server-info';
import { hashSlot } from '../../../lib/redis/restore/hash-slot';
import { matchesPattern } from '../../../lib/redis/restore/key-pattern';
import { parseCommand } from '../../../lib/redis/restore/parse-command';
import { newestRdbVersion } from '../../../lib/redis/restore/rdb-versions';
import { replyError } from '../../../lib/redis/map-error';
import { encodeCommand } from '../../../lib/redis/wire/redis-socket';
import { endMark, markedPayload, sizedPayload } from '../../../lib/redis/wire/payload';
import { collect } from '../../support/bytes';

const mark = Buffer.from('0123456789abcdef0123456789abcdef01234567');

/** A connection that yields the bytes cut as told. */
function cut(bytes: Buffer, sizes: number[]) {
	let at = 0;
	let turn = 0;
	return {
		bytes: async () => {
			const size = sizes[turn++ % sizes.length] ?? 1;
			const chunk = bytes.subarray(at, at + size);
			at += size;
			if (chunk.length === 0) throw new Error('read beyond the end');
			return chunk;
		},
	};
}

describe('framing', () => {
	it('ends at the mark, wherever chunks are cut, and never reads beyond it', async () => {
		await fc.assert(
			fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 6 }), fc.nat(39), async (payload, sizes, prefix) => {
				// Parts of the mark inside the payload are bytes like any others.
				const content = Buffer.concat([Buffer.from(payload), mark.subarray(0, prefix), Buffer.from('!')]);
				expect(await collect(markedPayload(cut(Buffer.concat([content, mark]), sizes), mark))).toEqual(content);
			}),
			{ numRuns: 300 },
		);
	});

	it('takes exactly the length that was told', async () => {
		expect((await collect(sizedPayload(cut(Buffer.from('12345678rest'), [3]), 8))).toString()).toBe('12345678');
		expect(await collect(sizedPayload(cut(Buffer.alloc(0), [1]), 0))).toHaveLength(0);
	});

	it('knows the header of both', () => {
		expect(endMark(`$EOF:${mark.toString()}`)).toEqual(mark);
		expect(endMark('$EOF:short')).toBeUndefined();
		expect(endMark('$123')).toBeUndefined();
	});
});

describe('commands', () => {
	it('reads back what is encoded, and waits for what is incomplete', () => {
		fc.assert(
			fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), (args) => {
				const bytes = encodeCommand(args.map((arg) => Buffer.from(arg, 'latin1')));
				expect(parseCommand(bytes)).toEqual({ args: args.map((arg) => Buffer.from(arg, 'latin1').toString('latin1')), bytes: bytes.length });
				for (let length = 0; length < bytes.length; length++) expect(parseCommand(bytes.subarray(0, length))).toBeUndefined();
			}),
			{ numRuns: 100 },
		);
		expect(parseCommand(Buffer.from('\n*1'))).toEqual({ args: [], bytes: 1 });
		expect(parseCommand(Buffer.from('PING\r\n'))).toEqual({ args: ['PING'], bytes: 6 });
	});
});

describe('keys', () => {
	it.each([
		['*', 'anything', true],
		['session:*', 'session:1', true],
		['session:*', 'sessions', false],
		['h?llo', 'hello', true],
		['h[ae]llo', 'hillo', false],
		['h[^e]llo', 'hallo', true],
		['h[a-c]llo', 'hbllo', true],
		['\\*literal', '*literal', true],
		['\\*literal', 'xliteral', false],
		['a*b*c', 'aXXbYYc', true],
		['a*b*c', 'aXXbYY', false],
		['', '', true],
		['', 'a', false],
		['[abc', 'b', true],
	])('pattern %s and key %s: %s', (pattern, key, expected) => {
		expect(matchesPattern(Buffer.from(pattern), Buffer.from(key))).toBe(expected);
	});

	it('takes no time for a pattern made to take long', () => {
		expect(matchesPattern(Buffer.from(`${'a*'.repeat(50)}b`), Buffer.from('a'.repeat(5000)))).toBe(false);
	});

	it('finds the slot as the cluster does', () => {
		expect(hashSlot(Buffer.from('123456789'))).toBe(12739);
		expect(hashSlot(Buffer.from('{user1000}.following'))).toBe(hashSlot(Buffer.from('user1000')));
		expect(hashSlot(Buffer.from('foo{}{bar}'))).not.toBe(hashSlot(Buffer.from('bar')));
		expect(hashSlot(Buffer.from('foo{{bar}}zap'))).toBe(hashSlot(Buffer.from('{bar')));
	});
});

describe('versions', () => {
	it.each([
		['redis', '7.0.15', 'redis', '7.0.15', 10, true],
		['redis', '6.2.0', 'redis', '7.0.15', 10, false],
		['redis', '8.0.0', 'redis', '7.0.15', 10, true],
		['redis', '99.0', 'redis', '8.4', 13, true],
		['valkey', '8.1.0', 'redis', '7.4.0', 12, false],
		['valkey', '8.1.0', 'redis', '7.2.0', 11, true],
		['redis', '8.0', 'valkey', '9.0', 80, false],
	] as const)('%s %s reads what %s %s wrote (RDB %i): %s', (flavor, version, sourceFlavor, serverVersion, rdb, expected) => {
		expect(rdb <= newestRdbVersion({ flavor, version }, { flavor: sourceFlavor, serverVersion })).toBe(expected);
	});

	it('tells Valkey from Redis, and a replica that has lost its master', () => {
		expect(parseServerInfo('redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nrole:slave\r\nmaster_link_status:down\r\ndb0:keys=5,expires=2,avg_ttl=0\r\nmodule:name=search,ver=1\r\n')).toMatchObject({
			flavor: 'valkey',
			version: '8.1.0',
			major: 8,
			role: 'replica',
			inSync: false,
			databases: [{ index: 0, keys: 5, expiring: 2 }],
			modules: ['search'],
		});
	});
});

it.each([
	['-NOAUTH Authentication required.', 'AUTHENTICATION_FAILED'],
	['-WRONGPASS invalid username-password pair', 'AUTHENTICATION_FAILED'],
	["-NOPERM this user has no permissions to run the 'sync' command", 'PERMISSION_DENIED'],
	['-LOADING Redis is loading the dataset in memory', 'SERVER_UNREACHABLE'],
	['-NOMASTERLINK Can\'t SYNC while not connected with my master', 'SERVER_UNREACHABLE'],
	['-BUSY Redis is busy running a script', 'SERVER_UNREACHABLE'],
	['-OOM command not allowed', 'RESTORE_FAILED'],
	['-ERR max number of clients reached', 'SERVER_UNREACHABLE'],
	['-ERR something else', 'SERVER_ERROR'],
])('%s becomes %s with a hint', (reply, code) => {
	const error = replyError(reply, { host: 'redis', port: 6379 }, 'testing');
	expect(error.code).toBe(code);
	expect(error.message).toContain('redis:6379');
	expect(error.hint.length).toBeGreaterThan(10);
});
