import type { Redis } from 'ioredis';
import { fillWithVariety } from './redis-variety';

/** Sessions, caches, a queue and rate limits as a CRM keeps them, besides a value of every type; about 20,000 keys at scale 1. */
export async function fillCrmRedis(redis: Redis, scale = 1): Promise<void> {
	await fillWithVariety(redis);
	const pipeline = redis.pipeline();
	for (let i = 0; i < 10_000 * scale; i++) pipeline.hset(`session:${i}`, 'user', String(i % 900), 'token', `t${i}`.padEnd(40, 'x')).expire(`session:${i}`, 86_400);
	for (let i = 0; i < 10_000 * scale; i++) pipeline.set(`cache:deal:${i}`, JSON.stringify({ id: i, stage: ['lead', 'won', 'lost'][i % 3], amount: i * 10 }));
	for (let i = 0; i < 500 * scale; i++) pipeline.rpush('queue:mail', `message ${i}`);
	for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
}
