import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';

export interface NpmStandIn {
	/** The PATH with which n8n finds it before the real npm. */
	readonly path: string;
	/** The commands that were given to npm, one a line. */
	commands(): Promise<string[]>;
	remove(): Promise<void>;
}

/**
 * An `npm` that knows one package before it is published: `view` and `pack` of it are answered from the tarball, and everything
 * else (above all the installation of its dependencies) is done by the real npm.
 */
export async function standInForNpm(manifest: { name: string; version: string }, tarball: string): Promise<NpmStandIn> {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-npm-'));
	const log = join(folder, 'commands.log');
	const file = join(folder, 'npm');
	await writeFile(
		file,
		`#!/bin/sh
echo "$*" >> ${quoted(log)}
case "$1 $2" in
	"view ${manifest.name}@"*) echo '"${manifest.version}"' ;;
	"pack ${manifest.name}@"*) cp ${quoted(tarball)} . && echo ${quoted(basename(tarball))} ;;
	*) exec ${quoted(realNpm())} "$@" ;;
esac
`,
	);
	await chmod(file, 0o755);
	return {
		path: [folder, dirname(process.execPath), process.env.PATH].join(delimiter),
		commands: async () => (await readFile(log, 'utf8')).trim().split('\n'),
		remove: () => rm(folder, { recursive: true, force: true }),
	};
}

function realNpm(): string {
	const found = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'npm')).find((path) => existsSync(path));
	if (found === undefined) throw new Error('There is no npm in PATH.');
	return found;
}

function quoted(text: string): string {
	return `'${text.replaceAll("'", `'\\''`)}'`;
}
