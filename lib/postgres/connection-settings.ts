import { z } from 'zod';

/** libpq's sslmode values that we support: https://www.postgresql.org/docs/current/libpq-ssl.html */
export const TLS_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** How to reach a PostgreSQL server. `password` never leaves the job except into a pass file (mode 0600) and the driver. */
export const postgresConnectionSchema = z.strictObject({
	host: z.string().min(1),
	port: z.number().int().min(1).max(65535).default(5432),
	user: z.string().min(1),
	password: z.string().default(''),
	/** The database to connect to when a job does not name one. */
	database: z.string().min(1).default('postgres'),
	tls: z
		.strictObject({
			mode: z.enum(TLS_MODES).default('prefer'),
			/** PEM text of the certificate authority; needed for `verify-ca` and `verify-full` unless the system trusts it. */
			ca: z.string().default(''),
		})
		.prefault({}),
	connectTimeoutSeconds: z.number().positive().default(15),
	/** Folder that holds `pg_dump`, `pg_restore` and `pg_dumpall`; empty: search PATH and the usual folders. */
	clientFolder: z.string().default(''),
});

export type PostgresConnection = z.infer<typeof postgresConnectionSchema>;
