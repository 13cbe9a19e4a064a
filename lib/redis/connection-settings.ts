import { z } from 'zod';

/** `require` encrypts and trusts any certificate; the others check it, `verify-full` also for the name of the host. */
export const REDIS_TLS_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;

export const redisAddressSchema = z.strictObject({ host: z.string().min(1), port: z.number().int().min(1).max(65535) });
/** One server. A host that begins with `/` is the path of a Unix socket. */
export type RedisAddress = z.infer<typeof redisAddressSchema>;

/** How to reach Redis or Valkey: one server, one that Sentinels watch, or a cluster. Passwords never leave the job. */
export const redisConnectionSchema = z.strictObject({
	deployment: z.discriminatedUnion('mode', [
		z.strictObject({ mode: z.literal('standalone'), ...redisAddressSchema.shape, port: redisAddressSchema.shape.port.default(6379) }),
		z.strictObject({
			mode: z.literal('sentinel'),
			sentinels: z.array(redisAddressSchema).min(1),
			/** As in `sentinel monitor <name> …`. */
			masterName: z.string().min(1),
			/** Of the Sentinels themselves; empty: none. */
			username: z.string().default(''),
			password: z.string().default(''),
		}),
		/** Some of its nodes; the others are found by them. */
		z.strictObject({ mode: z.literal('cluster'), nodes: z.array(redisAddressSchema).min(1) }),
	]),
	/** ACL user; empty: `default`. */
	username: z.string().default(''),
	password: z.string().default(''),
	tls: z
		.strictObject({
			mode: z.enum(REDIS_TLS_MODES).default('disable'),
			/** PEM text of the certificate authority; needed for `verify-ca` and `verify-full` unless the system trusts it. */
			ca: z.string().default(''),
			/** PEM texts of the client's own certificate and key, where the server asks for one (`tls-auth-clients`). */
			certificate: z.string().default(''),
			key: z.string().default(''),
		})
		.prefault({}),
	connectTimeoutSeconds: z.number().positive().default(15),
	/** A connection on which nothing arrives for so long is given up; the server keeps one alive with a byte at least every 10 seconds. */
	idleTimeoutSeconds: z.number().positive().default(60),
});

export type RedisConnection = z.infer<typeof redisConnectionSchema>;

/** Short name of what is connected to, for the series of its backups and for messages. */
export function describeConnection({ deployment }: Pick<RedisConnection, 'deployment'>): string {
	switch (deployment.mode) {
		case 'standalone':
			return describeAddress(deployment);
		case 'sentinel':
			return deployment.masterName;
		case 'cluster':
			return `cluster ${deployment.nodes.map(describeAddress)[0] ?? ''}`;
	}
}

export function describeAddress({ host, port }: RedisAddress): string {
	if (host.startsWith('/')) return host;
	return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
