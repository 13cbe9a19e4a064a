import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escapeIdentifier } from 'pg';
import type { PostgresServer } from './postgres-server';

/** The roles of the CRM; a dump of the database alone does not carry them. */
export const CRM_ROLES = { owner: 'crm_owner', application: 'crm_app', readers: 'crm_readers' } as const;

/** Roughly how many rows there are at scale 1. */
export const CRM_ROWS = 300_000;

/**
 * Builds a CRM as a small company has it: customers, contacts, deals, activities partitioned by month, logs, sessions, attachments
 * with large objects, views, a function with its trigger, extensions, owners and grants, settings of the database. The same content each time.
 */
export async function createCrmDatabase(server: PostgresServer, name: string, scale = 1): Promise<void> {
	await createRoles(server);
	await server.createDatabase(name);
	await server.query(readFileSync(join(__dirname, 'crm-database.sql'), 'utf8').replaceAll(':scale', String(scale)), name);
	await server.query(ownership(name), name);
	await server.query('ANALYZE', name);
}

async function createRoles(server: PostgresServer): Promise<void> {
	const [present] = await server.query<{ count: string }>(`SELECT count(*) FROM pg_roles WHERE rolname = '${CRM_ROLES.owner}'`);
	if (present?.count !== '0') return;
	await server.query(`
		CREATE ROLE ${CRM_ROLES.owner} LOGIN PASSWORD 'owner-of-the-crm';
		CREATE ROLE ${CRM_ROLES.readers} NOLOGIN;
		CREATE ROLE ${CRM_ROLES.application} LOGIN PASSWORD 'app-of-the-crm' IN ROLE ${CRM_ROLES.readers};`);
}

function ownership(database: string): string {
	const { owner, application, readers } = CRM_ROLES;
	const name = escapeIdentifier(database);
	return `
		DO $$ DECLARE thing regclass; BEGIN
			FOR thing IN SELECT oid FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'audit'::regnamespace) AND relkind IN ('r', 'p', 'v', 'm') LOOP
				EXECUTE format('ALTER TABLE %s OWNER TO ${owner}', thing);
			END LOOP;
		END $$;
		ALTER FUNCTION touch() OWNER TO ${owner};
		ALTER DATABASE ${name} OWNER TO ${owner};
		ALTER DATABASE ${name} SET statement_timeout = '5min';
		ALTER DATABASE ${name} SET timezone = 'America/Sao_Paulo';
		ALTER ROLE ${application} IN DATABASE ${name} SET search_path = public, audit;
		GRANT USAGE ON SCHEMA audit TO ${readers};
		GRANT SELECT ON ALL TABLES IN SCHEMA public, audit TO ${readers};
		GRANT INSERT, UPDATE, DELETE ON customers, contacts, deals, activities, user_sessions TO ${application};
		COMMENT ON TABLE customers IS 'Who buys. "Quoted", and 💾';`;
}
