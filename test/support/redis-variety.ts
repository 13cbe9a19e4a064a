import type { Redis } from 'ioredis';

/** Values of every type in every encoding, expiring keys, several databases, binary keys, streams with groups, functions. */
export async function fillWithVariety(redis: Redis, { functions = true } = {}): Promise<void> {
	const pipeline = redis.pipeline();
	pipeline.set('plain', 'text').set('number', '12345').set('small', '7').set('negative', '-70000').set('empty', '');
	pipeline.set(Buffer.from([0, 255, 13, 10, 128]), Buffer.from([1, 0, 2, 255]));
	pipeline.set('{tag}:compressible', 'abcabcabc'.repeat(500)).set(`long:${'k'.repeat(300)}`, 'v');
	pipeline.set('1234', 'a key that is a number').set('-5', 'another');
	pipeline.set('later', 'expires', 'PX', 86_400_000).set('much later', 'expires', 'EX', 10_000_000);
	pipeline.rpush('list:small', 'a', 'b', 'c').rpush('list:numbers', ...Array.from({ length: 50 }, (_, at) => String(at)));
	pipeline.rpush('list:large', ...Array.from({ length: 2000 }, (_, at) => `entry ${at} ${'x'.repeat(at % 90)}`));
	pipeline.rpush('list:huge entries', 'y'.repeat(20_000), 'z'.repeat(9000));
	pipeline.sadd('set:int', 1, 2, 3, 100_000, -5).sadd('set:small', 'a', 'b').sadd('set:large', ...Array.from({ length: 1000 }, (_, at) => `member ${at}`));
	pipeline.zadd('zset:small', 1, 'a', 2.5, 'b', '-inf', 'c', '+inf', 'd');
	pipeline.zadd('zset:large', ...Array.from({ length: 600 }, (_, at) => [at * 1.25, `member ${at}`]).flat());
	pipeline.hset('hash:small', 'f', 'v', 'g', '2').hset('hash:large', ...Array.from({ length: 800 }, (_, at) => [`field ${at}`, `value ${at}`]).flat());
	pipeline.pfadd('hll', 'a', 'b', 'c').setbit('bits', 100_000, 1).geoadd('geo', 13.36, 38.11, 'Palermo');
	for (let at = 1; at <= 250; at++) pipeline.xadd('stream', `${at}-1`, 'field', `value ${at}`, 'other', String(at));
	pipeline.xgroup('CREATE', 'stream', 'workers', '0').xgroup('CREATE', 'stream', 'idle', '$');
	pipeline.xreadgroup('GROUP', 'workers', 'one', 'COUNT', 20, 'STREAMS', 'stream', '>');
	pipeline.xreadgroup('GROUP', 'workers', 'two', 'COUNT', 5, 'STREAMS', 'stream', '>');
	pipeline.xack('stream', 'workers', '1-1').xdel('stream', '3-1', '9-1');
	pipeline.xadd('stream:emptied', '1-1', 'a', 'b').xdel('stream:emptied', '1-1');
	pipeline.select(3).set('in three', 'x').hset('hash in three', 'a', 'b').expire('hash in three', 100_000);
	pipeline.select(15).set('in fifteen', 'y').select(0);
	if (functions) pipeline.call('FUNCTION', 'LOAD', 'REPLACE', "#!lua name=variety\nredis.register_function('answer', function() return 42 end)");
	const replies = (await pipeline.exec()) ?? [];
	for (const [error] of replies) if (error) throw error;
}
