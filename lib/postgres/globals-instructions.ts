import { decodeCommand, keyInstructions } from '../backup/decode-command';
import type { Artifact } from '../catalog/manifest';

/** The text of a globals backup's RESTORE.txt. */
export function globalsInstructions(globals: {
	readonly id: string;
	readonly artifact: Artifact;
	readonly rolePasswords: boolean;
}): string {
	const { artifact } = globals;
	return `${[
		`Backup ${globals.id}: roles, memberships, tablespaces and settings of a PostgreSQL server`,
		globals.rolePasswords
			? 'It holds password hashes: keep it as safe as the passwords.'
			: 'It holds no passwords: set them after the restore (ALTER ROLE ... PASSWORD ...).',
		'',
		`Needs: zstd${artifact.encryption ? ', age' : ''} and psql. Tell psql the server by PGHOST, PGPORT and PGUSER. The user must be a superuser.`,
		'Restore it before any database. The folders of the tablespaces in it must exist and belong to the server.',
		'',
		...keyInstructions([artifact]),
		'1. Check the file.',
		'',
		'```sh',
		`echo "${artifact.storedSha256}  ${artifact.name}" | sha256sum -c`,
		'```',
		'',
		'2. Restore. Roles that exist already give the error "already exists", which does no harm; any other error does.',
		'',
		'```sh',
		`${decodeCommand(artifact)} | psql -X -d postgres`,
		'```',
	].join('\n')}\n`;
}
