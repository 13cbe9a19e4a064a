/** The artifacts of a base backup. */
export const BASE_ROLE = 'base';
export const TABLESPACE_ROLE = 'tablespace';
/** The server's own `backup_manifest`. */
export const MANIFEST_ROLE = 'backup-manifest';
