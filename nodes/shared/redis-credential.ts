import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import type { z } from 'zod';
import { REDIS_TLS_MODES, type redisConnectionSchema } from '../../lib/redis/connection-settings';
import { wrong } from './parameters';

/** A connection as a job takes it, before defaults. */
export type RedisConnectionInput = z.input<typeof redisConnectionSchema>;

/** The part of a job that a "Backup Redis" credential yields. */
export function redisConnection(data: ICredentialDataDecryptedObject): RedisConnectionInput {
	const mode = REDIS_TLS_MODES.find((known) => known === data.tlsMode);
	if (mode === undefined) throw wrong('TLS of the Redis credential', 'is not one of the modes', `Use one of: ${REDIS_TLS_MODES.join(', ')}.`);
	const verifies = mode === 'verify-ca' || mode === 'verify-full';
	return {
		deployment: readDeployment(data),
		username: text(data.user),
		password: text(data.password),
		tls: { mode, ca: verifies ? text(data.ca) : '', ...(mode === 'disable' ? {} : { certificate: text(data.clientChain), key: text(data.clientPrivateKey) }) },
		connectTimeoutSeconds: Number(data.connectTimeout),
		idleTimeoutSeconds: Number(data.idleTimeout),
	};
}

function readDeployment(data: ICredentialDataDecryptedObject): RedisConnectionInput['deployment'] {
	switch (data.deployment) {
		case 'standalone': {
			const host = text(data.host).trim();
			if (host === '') throw wrong('Host of the Redis credential', 'is empty', 'Open the credential and fill it in.');
			return { mode: 'standalone', host, port: Number(data.port) };
		}
		case 'sentinel': {
			const masterName = text(data.masterName).trim();
			if (masterName === '') throw wrong('Master Name of the Redis credential', 'is empty', 'Use the name from "sentinel monitor" in the configuration of the Sentinels.');
			return { mode: 'sentinel', sentinels: readAddresses(data.sentinels, 'Sentinels', 26379), masterName, username: text(data.sentinelUser), password: text(data.sentinelPassword) };
		}
		case 'cluster':
			return { mode: 'cluster', nodes: readAddresses(data.nodes, 'Nodes', 6379) };
		default:
			throw wrong('Deployment of the Redis credential', 'is unknown to this version of the package', 'Open the credential and choose it again.');
	}
}

/** `host:port` or `host`, one per line or separated by commas; IPv6 in brackets. */
function readAddresses(value: unknown, label: string, defaultPort: number): { host: string; port: number }[] {
	const entries = text(value).split(/[\s,;]+/).filter((entry) => entry !== '');
	if (entries.length === 0) throw wrong(`${label} of the Redis credential`, 'is empty', 'Enter one address per line, e.g. redis-1:6379.');
	return entries.map((entry) => {
		const parts = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry);
		const host = parts?.[1] ?? parts?.[2];
		if (host === undefined) throw wrong(`${label} of the Redis credential`, 'holds an entry that is no address', 'Enter one address per line, e.g. redis-1:6379.');
		return { host, port: parts?.[3] === undefined ? defaultPort : Number(parts[3]) };
	});
}

function text(value: unknown): string {
	return typeof value === 'string' ? value : '';
}
