import { type PostgresServer, startPostgres, type StartOptions } from './postgres-server';

/** Major versions of PostgreSQL that tests can start a server of, besides the system's; `scripts/setup/postgres-versions.mjs` brings them. */
export const MAJORS = [13, 14, 16, 17, 18] as const;
export type Major = (typeof MAJORS)[number];

/** Folder with `initdb` and `postgres` of that version; empty where this system has none. */
export function serverFolder(major: Major): string {
	return process.env[`BACKUP_RECOVERY_TEST_POSTGRES_${major}`] ?? '';
}

/** Folder with all tools of 17 or 18 (`pg_combinebackup`, `pg_verifybackup`, `pg_waldump`, …); empty where this system has none. */
export function toolsFolder(major: 17 | 18): string {
	return process.env[`BACKUP_RECOVERY_TEST_POSTGRES_TOOLS_${major}`] ?? '';
}

/** `describe` for each of the versions that are there; the others are shown as skipped. */
export function describeWithPostgres<M extends Major>(majors: readonly M[], body: (major: M) => void): void {
	for (const major of majors) {
		const where = serverFolder(major) === '' ? describe.skip : describe;
		where(`PostgreSQL ${major}`, () => body(major));
	}
}

/** The same with the tools of the version. */
export function describeWithTools(majors: readonly (17 | 18)[], body: (major: 17 | 18, tools: string) => void): void {
	for (const major of majors) {
		const tools = toolsFolder(major);
		const where = tools === '' ? describe.skip : describe;
		where(`PostgreSQL ${major} with its tools`, () => body(major, tools));
	}
}

export async function startMajor(major: Major, options: Omit<StartOptions, 'serverFolder'> = {}): Promise<PostgresServer> {
	return await startPostgres({ ...options, serverFolder: serverFolder(major) });
}
