import { testRedisConnection } from '../../redis/test-connection';
import type { JobHandler } from '../handler';

export const testRedis: JobHandler<'redis.testConnection'> = async ({ connection }, { signal }) => await testRedisConnection(connection, signal);
