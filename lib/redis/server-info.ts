import type { RedisClient } from './redis-client';

/** What `INFO` says of a server, as far as backups and restores need it. */
export interface ServerInfo {
	readonly flavor: 'redis' | 'valkey';
	readonly version: string;
	readonly major: number;
	readonly role: 'master' | 'replica';
	/** Of a replica: it is connected to its master and has all of its data. */
	readonly inSync: boolean;
	readonly clusterEnabled: boolean;
	readonly sentinel: boolean;
	readonly loading: boolean;
	readonly appendOnly: boolean;
	readonly usedMemory: number;
	/** 0: no limit. */
	readonly maxMemory: number;
	readonly evictionPolicy: string;
	readonly evictedKeys: number;
	/** Keys per database, those included whose time has passed and that nobody has removed yet. */
	readonly databases: readonly { readonly index: number; readonly keys: number; readonly expiring: number }[];
	/** Names of the modules that are loaded. */
	readonly modules: readonly string[];
}

/** https://redis.io/docs/latest/commands/info/ */
export async function readServerInfo(client: RedisClient): Promise<ServerInfo> {
	const text = await client.text('INFO', 'everything');
	return parseServerInfo(text);
}

export function parseServerInfo(text: string): ServerInfo {
	const lines = text.split(/\r?\n/);
	const fields = new Map<string, string>();
	for (const line of lines) {
		const colon = line.indexOf(':');
		if (colon > 0 && !line.startsWith('#') && !line.startsWith('module:')) fields.set(line.slice(0, colon), line.slice(colon + 1));
	}
	const number = (name: string) => Number(fields.get(name) ?? 0) || 0;
	const valkey = fields.get('server_name') === 'valkey' || fields.has('valkey_version');
	const version = (valkey ? fields.get('valkey_version') : undefined) ?? fields.get('redis_version') ?? 'unknown';
	const role = fields.get('role') === 'slave' ? 'replica' : 'master';
	return {
		flavor: valkey ? 'valkey' : 'redis',
		version,
		major: Number.parseInt(version, 10) || 0,
		role,
		inSync: role === 'master' || (fields.get('master_link_status') === 'up' && fields.get('master_sync_in_progress') !== '1'),
		clusterEnabled: fields.get('cluster_enabled') === '1',
		sentinel: fields.get('redis_mode') === 'sentinel',
		loading: fields.get('loading') === '1',
		appendOnly: fields.get('aof_enabled') === '1',
		usedMemory: number('used_memory'),
		maxMemory: number('maxmemory'),
		evictionPolicy: fields.get('maxmemory_policy') ?? 'noeviction',
		evictedKeys: number('evicted_keys'),
		databases: [...fields].flatMap(([name, value]) => {
			const index = /^db(\d+)$/.exec(name)?.[1];
			const counts = /^keys=(\d+),expires=(\d+)/.exec(value);
			return index === undefined || !counts ? [] : [{ index: Number(index), keys: Number(counts[1]), expiring: Number(counts[2]) }];
		}),
		modules: lines.flatMap((line) => /^module:name=([^,]+)/.exec(line)?.[1] ?? []),
	};
}
