import type { Manifest } from '../../catalog/manifest';
import { sourceOf } from '../../catalog/source-of';
import type { BackupSummary } from '../../catalog/summary';
import { VERIFICATION_LEVELS } from '../../catalog/verification';
import type { RestoreOptions } from './options';
import type { RestoreCheck } from '../../core/steps';
import type { TargetServer } from './target-server';

/** What speaks for and against restoring this backup at all. */
export function checkBackup(summary: BackupSummary, options: Pick<RestoreOptions, 'minimumVerification' | 'target'>): RestoreCheck[] {
	return [checkDamage(summary), checkVerification(summary, options.minimumVerification), checkWhole(summary, options.target)];
}

/** A live database must never be exchanged for a part of one. */
function checkWhole(summary: BackupSummary, target: RestoreOptions['target']): RestoreCheck {
	const check = 'Backup is whole';
	if (summary.kind !== 'partial') return { check, state: 'passed', detail: `${summary.id} holds a whole database.` };
	const detail = `${summary.id} holds chosen schemas or tables only.`;
	if (target.mode !== 'swap') return { check, state: 'warning', detail, hint: 'The restored database will hold nothing else.' };
	return {
		check,
		state: 'failed',
		code: 'INVALID_INPUT',
		detail: `${detail} Swapped in, it would replace all of "${target.database}".`,
		hint: 'Restore it into a new database and take over from there what you need, or choose a backup of the whole database.',
	};
}

function checkDamage(summary: BackupSummary): RestoreCheck {
	const check = 'Backup is undamaged';
	if (summary.status !== 'damaged') return { check, state: 'passed', detail: `No check of ${summary.id} has failed; its bytes are checked while it is read.` };
	return {
		check,
		state: 'failed',
		code: 'ARTIFACT_DAMAGED',
		detail: `The newest check of backup ${summary.id} failed: ${summary.problem ?? 'no reason is recorded'}`,
		hint: 'Use another backup. If you have reason to think that this one is good, verify it again: a check that passes clears it.',
	};
}

function checkVerification(summary: BackupSummary, minimum: RestoreOptions['minimumVerification']): RestoreCheck {
	const check = 'Backup is verified';
	const reached = summary.verified;
	const detail = reached ? `${summary.id} was verified to the level "${reached.level}" at ${reached.at}.` : `${summary.id} has not been verified.`;
	if (minimum === 'none') return { check, state: reached ? 'passed' : 'warning', detail, hint: reached ? undefined : 'Verify backups when they are made, so that you know before you need them.' };
	if (reached && VERIFICATION_LEVELS.indexOf(reached.level) >= VERIFICATION_LEVELS.indexOf(minimum)) return { check, state: 'passed', detail };
	return {
		check,
		state: 'failed',
		code: 'NOT_VERIFIED',
		detail: `${detail} This restore asks for the level "${minimum}".`,
		hint: 'Verify it to that level first, choose the newest verified backup, or lower the level that is asked for.',
	};
}

/** Whether the server can take what the dump holds. `rolesFromGlobals`: missing roles are created first. */
export function checkServer(manifest: Manifest, target: TargetServer, globals: { readonly roles: ReadonlySet<string>; readonly id: string } | undefined): RestoreCheck[] {
	return [checkVersion(manifest, target), checkExtensions(manifest, target), checkRoles(manifest, target, globals), checkTablespace(manifest, target)];
}

function checkVersion(manifest: Manifest, target: TargetServer): RestoreCheck {
	const check = 'Server version';
	const { serverMajor: from, serverVersion } = sourceOf(manifest, 'postgres');
	if (target.major >= from) {
		const newer = target.major > from ? ` It is newer than the one that was backed up (${serverVersion}).` : '';
		return { check, state: 'passed', detail: `The server is PostgreSQL ${target.version}.${newer}` };
	}
	return {
		check,
		state: 'failed',
		code: 'SERVER_VERSION',
		detail: `The backup comes from PostgreSQL ${serverVersion}, and the server is the older ${target.version}: it may not understand what the dump holds.`,
		hint: `Restore to a server of PostgreSQL ${from} or newer.`,
	};
}

function checkExtensions(manifest: Manifest, target: TargetServer): RestoreCheck {
	const check = 'Extensions';
	const needed = manifest.postgres?.settings?.extensions ?? [];
	const missing = needed.filter((extension) => !target.extensions.has(extension.name));
	if (missing.length > 0) {
		const names = missing.map((extension) => `${extension.name} ${extension.version}`).join(', ');
		return {
			check,
			state: 'failed',
			code: 'EXTENSION_MISSING',
			detail: `The server does not have these extensions, which the backup needs: ${names}.`,
			hint: `Install them on the server's machine. ${packageHint(missing.map((extension) => extension.name), target.major)}`,
		};
	}
	const other = needed.filter((extension) => !target.extensions.get(extension.name)?.includes(extension.version));
	if (other.length > 0) {
		const names = other.map((extension) => `${extension.name} (${extension.version} was backed up, the server has ${target.extensions.get(extension.name)?.join(', ')})`).join('; ');
		return { check, state: 'warning', detail: `Extensions come in another version: ${names}.`, hint: 'Usually fine; read the release notes of the extension.' };
	}
	return { check, state: 'passed', detail: needed.length === 0 ? 'The backup needs none.' : `All ${needed.length} are available.` };
}

/** Debian's packages of extensions that are not in `postgresql-contrib`. */
const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
	postgis: 'postgresql-<major>-postgis-3',
	postgis_topology: 'postgresql-<major>-postgis-3',
	postgis_raster: 'postgresql-<major>-postgis-3',
	vector: 'postgresql-<major>-pgvector',
	pg_cron: 'postgresql-<major>-cron',
	pg_partman: 'postgresql-<major>-partman',
	pg_repack: 'postgresql-<major>-repack',
	pgaudit: 'postgresql-<major>-pgaudit',
	hypopg: 'postgresql-<major>-hypopg',
	rum: 'postgresql-<major>-rum',
	timescaledb: 'timescaledb-2-postgresql-<major>',
	plpython3u: 'postgresql-plpython3-<major>',
	plperl: 'postgresql-plperl-<major>',
	plperlu: 'postgresql-plperl-<major>',
	pltcl: 'postgresql-pltcl-<major>',
};

function packageHint(extensions: readonly string[], major: number): string {
	const packages = new Set(extensions.map((name) => (DEBIAN_PACKAGES[name] ?? 'postgresql-contrib').replace('<major>', String(major))));
	return `Debian and Ubuntu: apt-get install ${[...packages].join(' ')} (where that does not bring it: apt-cache search postgresql-${major}). Alpine and the docker images: postgresql-contrib is part of the image, others need an image that has them.`;
}

/** Every role that the dump or the database's settings name. */
export function neededRoles(manifest: Manifest): string[] {
	const settings = manifest.postgres?.settings;
	if (!settings) return [];
	const names = [
		settings.owner,
		...settings.roles,
		...settings.roleConfiguration.map((setting) => setting.role),
		...(settings.privileges ?? []).flatMap((grant) => [grant.grantee, grant.grantor]),
	];
	return [...new Set(names)].filter((name) => name !== '' && name !== 'public' && !name.startsWith('pg_')).sort();
}

function checkRoles(manifest: Manifest, target: TargetServer, globals: { readonly roles: ReadonlySet<string>; readonly id: string } | undefined): RestoreCheck {
	const check = 'Roles';
	const needed = neededRoles(manifest);
	const absent = needed.filter((role) => !target.roles.has(role));
	const missing = absent.filter((role) => !globals?.roles.has(role));
	if (missing.length > 0) {
		const names = missing.map((role) => JSON.stringify(role)).join(', ');
		return {
			check,
			state: 'failed',
			code: 'ROLE_MISSING',
			detail: `The server lacks roles that own objects of the backup or hold rights on them: ${names}.${globals ? ` The globals backup ${globals.id} does not have them either.` : ''}`,
			hint: globals
				? 'Create them by hand (CREATE ROLE …), or choose a globals backup that has them.'
				: 'Choose a globals backup in the restore, from which missing roles are created, or create them by hand (CREATE ROLE …).',
		};
	}
	if (absent.length > 0 && globals && !target.mayCreateRoles) {
		return {
			check,
			state: 'failed',
			code: 'PERMISSION_DENIED',
			detail: `Roles are missing (${absent.join(', ')}), and "${target.user}" may not create any.`,
			hint: 'Restore as a superuser.',
		};
	}
	if (absent.length > 0) return { check, state: 'warning', detail: `Missing and to be created from the globals backup ${globals?.id}: ${absent.join(', ')}.` };
	const foreign = target.superuser ? [] : needed.filter((role) => !target.memberOf.has(role));
	if (foreign.length > 0) {
		return {
			check,
			state: 'warning',
			detail: `"${target.user}" is no superuser and not a member of ${foreign.join(', ')}: objects cannot be given to them.`,
			hint: 'Restore as a superuser, or grant the role membership in them.',
		};
	}
	return { check, state: 'passed', detail: needed.length === 0 ? 'None are recorded.' : `All ${needed.length} are there.` };
}

function checkTablespace(manifest: Manifest, target: TargetServer): RestoreCheck {
	const check = 'Tablespaces';
	const own = manifest.postgres?.settings?.tablespace ?? 'pg_default';
	if (target.tablespaces.has(own)) return { check, state: 'passed', detail: `The database goes to ${own}.` };
	return { check, state: 'warning', detail: `The database was in the tablespace ${JSON.stringify(own)}, which this server does not have: it goes to pg_default.` };
}
