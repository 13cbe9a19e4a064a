import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runQuietly, succeeds } from './run.mjs';
import { SetupError } from './setup-error.mjs';

/** What a command may need from the system: how to see that it is there, and the Debian packages that bring it. */
const needs = {
	postgres: {
		title: 'a PostgreSQL server with its clients and extensions',
		packages: ['postgresql', 'postgresql-contrib'],
		present: () =>
			versionsIn('/usr/lib/postgresql').some(
				(major) =>
					['initdb', 'postgres', 'pg_dump', 'pg_restore', 'pg_dumpall'].every((tool) => existsSync(`/usr/lib/postgresql/${major}/bin/${tool}`)) &&
					existsSync(`/usr/share/postgresql/${major}/extension/pg_trgm.control`),
			),
	},
	zstd: { title: 'the zstd command', packages: ['zstd'], present: () => inPath('zstd') },
	age: { title: 'the age command', packages: ['age'], present: () => inPath('age') && inPath('age-keygen') },
	redis: { title: 'the tools of Redis', packages: ['redis-tools'], present: () => inPath('redis-cli') && inPath('redis-check-rdb') },
	restic: { title: 'restic', packages: ['restic'], present: () => inPath('restic') },
	pgbackrest: { title: 'pgBackRest', packages: ['pgbackrest'], present: () => inPath('pgbackrest') },
	rclone: { title: 'rclone', packages: ['rclone'], present: () => inPath('rclone') },
	openssl: { title: 'the openssl command', packages: ['openssl'], present: () => inPath('openssl') },
	compiler: { title: 'a C++ compiler', packages: ['g++', 'make', 'python3'], present: () => ['g++', 'make', 'python3'].every(inPath) },
	chromium: { title: 'the Chromium browser', packages: ['chromium', 'fonts-dejavu-core'], present: () => inPath('chromium') },
};

/** Installs what is missing as root or with sudo; otherwise says exactly what to type. */
export async function debianPackages(names) {
	const missing = names.filter((name) => !needs[name].present());
	if (missing.length === 0) return;
	const titles = missing.map((name) => needs[name].title).join(' and ');
	const packages = missing.flatMap((name) => needs[name].packages);
	const typed = `apt-get update && apt-get install --no-install-recommends ${packages.join(' ')}`;

	if (!inPath('apt-get')) {
		throw new SetupError(`This needs ${titles}, which is missing. On Debian or Ubuntu it comes with:\n  ${typed}\nThis system has no apt-get: run the command on one that does.`);
	}
	const privilege = process.getuid() === 0 ? [] : (await succeeds('sudo', ['-n', 'true'])) ? ['sudo', '-n'] : undefined;
	if (privilege === undefined) {
		throw new SetupError(`This needs ${titles}, which is missing, and this user may not install packages. Type:\n  sudo sh -c '${typed}'`);
	}

	// Without this file Debian would create and start a server of its own, which nobody here needs. An existing one is kept.
	const clusterSettings = '/etc/postgresql-common/createcluster.conf';
	const withoutCluster = missing.includes('postgres') && !existsSync(clusterSettings);
	const asRoot = (...argv) => [...privilege, 'env', 'DEBIAN_FRONTEND=noninteractive', 'UCF_FORCE_CONFFOLD=1', ...argv];
	const run = (what, [file, ...args]) => runQuietly(what, file, args);
	await run('Reading the list of Debian packages', asRoot('apt-get', 'update'));
	if (withoutCluster) {
		await run('Telling Debian not to start a PostgreSQL server by itself', asRoot('sh', '-c', `mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > ${clusterSettings}`));
	}
	await run(`Installing ${titles} (Debian packages ${packages.join(', ')})`, asRoot('apt-get', 'install', '-y', '--no-install-recommends', ...packages));

	const still = missing.filter((name) => !needs[name].present());
	if (still.length > 0) {
		throw new SetupError(`The Debian packages ${packages.join(', ')} are installed, and yet ${still.map((name) => needs[name].title).join(' and ')} cannot be found. This is tested on Debian 12.`);
	}
}

function versionsIn(folder) {
	return existsSync(folder) ? readdirSync(folder) : [];
}

function inPath(program) {
	return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}
