// Runs one of the project's commands after making sure of everything it needs, also on a machine where nothing was prepared.
// Plain JavaScript without dependencies, because it runs before anything is installed.
import { commands } from './commands.mjs';
import { npmDependencies } from './setup/npm-dependencies.mjs';
import { node24 } from './setup/node-24.mjs';
import { debianPackages } from './setup/debian-packages.mjs';
import { n8n } from './setup/n8n.mjs';
import { n8nSqlite } from './setup/n8n-sqlite.mjs';
import { redis } from './setup/redis.mjs';
import { redisFlavors } from './setup/redis-flavors.mjs';
import { postgresVersions } from './setup/postgres-versions.mjs';
import { s3Server } from './setup/s3-server.mjs';
import { build } from './setup/build.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { runSteps } from './run-steps.mjs';

const preparations = {
	'postgres': () => debianPackages(['postgres']),
	'pgbackrest': () => debianPackages(['pgbackrest']),
	'rclone': () => debianPackages(['rclone']),
	'openssl': () => debianPackages(['openssl']),
	'zstd': () => debianPackages(['zstd']),
	'age': () => debianPackages(['age']),
	'redis': redis,
	'redis flavors': redisFlavors,
	'restic': () => debianPackages(['restic']),
	'chromium': () => debianPackages(['chromium']),
	'n8n': n8n,
	'compiler': () => debianPackages(['compiler']),
	'n8n sqlite': n8nSqlite,
	'postgres versions': postgresVersions,
	's3 server': s3Server,
	'build': build,
};

async function main([name, ...args]) {
	const command = commands[name];
	if (command === undefined) throw new SetupError(`There is no command "${name ?? ''}". There are: ${Object.keys(commands).join(', ')}.`);
	await node24();
	await npmDependencies();
	const optional = args.flatMap((arg) => command.needsWith?.[arg] ?? []);
	for (const need of [...command.needs, ...optional]) await preparations[need]();
	return await runSteps(command.steps, args);
}

try {
	process.exitCode = await main(process.argv.slice(2));
} catch (error) {
	if (!(error instanceof SetupError)) throw error;
	console.error(`\n${error.message}`);
	process.exitCode = 1;
}
