/** The parts of a stack that are backed up. They name folders in the store and rows in `backup_log`. */
export const COMPONENTS = ['postgres', 'redis', 'files', 'config', 'logs', 'n8n'] as const;
export type Component = (typeof COMPONENTS)[number];

/**
 * What a backup holds.
 * `full`: everything of its source; `globals`: a PostgreSQL server's roles, memberships, tablespaces and settings;
 * `partial`: chosen schemas or tables only; `extract`: recently changed rows, never counted as a backup of the database;
 * `incremental`: what changed since its parent, without which it cannot be restored;
 * `safety`: a database dumped because it is about to be replaced or changed. It may hold the very damage, so it is restored only when named,
 * is never taken for the newest backup and never counted as one;
 * `base`: a physical copy of a whole PostgreSQL server, from which recovery to a point in time starts.
 */
export const BACKUP_KINDS = ['full', 'base', 'incremental', 'partial', 'globals', 'extract', 'safety'] as const;
export type BackupKind = (typeof BACKUP_KINDS)[number];
