import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { VERIFICATION_LEVELS } from '../../lib/catalog/verification';
import type { RedisRestoreResult } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import { REDIS_TLS_MODES } from '../../lib/redis/connection-settings';
import type { Command, CommandWorld } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { backupChoiceFrom, choiceOption, type OptionValues, outputOptions, storeOptions, textOption } from '../options';
import { storeFrom } from '../store';
import { readPassword } from '../secrets';
import { renderTable } from '../table';
import { UsageError } from '../usage-error';

/** How to reach Redis: one server, one behind Sentinels (`--sentinels` and `--master-name`), or a cluster (`--nodes`). */
export const redisOptions = {
	host: { type: 'string' },
	port: { type: 'string' },
	user: { type: 'string' },
	sentinels: { type: 'string' },
	'master-name': { type: 'string' },
	nodes: { type: 'string' },
	'password-file': { type: 'string' },
	'password-stdin': { type: 'boolean' },
	tls: { type: 'string' },
	'ca-file': { type: 'string' },
} as const;

/** The server of the options; the password comes from a file, from standard input or from `REDISCLI_AUTH`, as redis-cli takes it. */
export async function redisConnectionFrom(values: OptionValues, world: CommandWorld) {
	const caFile = textOption(values, 'ca-file');
	const environment = { PGPASSWORD: world.environment.REDISCLI_AUTH };
	const password = await readPassword({ passwordFile: textOption(values, 'password-file'), passwordStdin: values['password-stdin'] === true }, { ...world, environment });
	return {
		deployment: deploymentFrom(values),
		username: textOption(values, 'user') ?? '',
		password,
		tls: { mode: choiceOption(values, 'tls', REDIS_TLS_MODES) ?? ('disable' as const), ca: caFile === undefined ? '' : await readFile(caFile, 'utf8') },
	};
}

function deploymentFrom(values: OptionValues) {
	const sentinels = textOption(values, 'sentinels');
	const nodes = textOption(values, 'nodes');
	if (sentinels !== undefined) return { mode: 'sentinel' as const, sentinels: addresses(sentinels, 26379), masterName: textOption(values, 'master-name') ?? 'mymaster' };
	if (nodes !== undefined) return { mode: 'cluster' as const, nodes: addresses(nodes, 6379) };
	return { mode: 'standalone' as const, host: textOption(values, 'host') ?? 'localhost', port: Number(textOption(values, 'port') ?? 6379) };
}

function addresses(text: string, defaultPort: number): { host: string; port: number }[] {
	return text.split(',').map((entry) => addressFrom(entry.trim(), defaultPort));
}

/** `host:port`; IPv6 in brackets. */
function addressFrom(text: string, defaultPort: number): { host: string; port: number } {
	const parts = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
	const host = parts?.[1] ?? parts?.[2];
	if (host === undefined) throw new UsageError(`"${text}" is not an address like host:port.`);
	return { host, port: Number(parts?.[3] ?? defaultPort) };
}

export const restoreRedis: Command = {
	name: 'restore-redis',
	summary: 'Restore Redis: its keys into a running server, all of its data at once, or as a file.',
	usage:
		'backup-recovery restore-redis --store FOLDER --host HOST [--port 6379] [--user USER] [--password-file FILE] [--tls disable|require|verify-ca|verify-full] [--ca-file FILE]\n' +
		'    [--sentinels HOST:PORT,... --master-name NAME | --nodes HOST:PORT,...]\n' +
		'    [--backup latest|latest-verified|ID] [--source NAME] [--minimum none|checksum|structure|restore] [--dry-run] [--confirm HOST:PORT]\n' +
		'    [--mode keys]     [--existing keep|overwrite] [--pattern PATTERN ...] [--database NUMBER ...] [--skip-functions]\n' +
		'    [--mode replace]  [--listen ADDRESS:PORT] [--announce ADDRESS:PORT]\n' +
		'    [--mode file]     --folder FOLDER\n' +
		'    [--identity-file FILE | --passphrase-file FILE]\n' +
		'The password comes from --password-file, --password-stdin or REDISCLI_AUTH.',
	options: {
		...storeOptions,
		...redisOptions,
		...outputOptions,
		...keyOptions,
		backup: { type: 'string', short: 'b' },
		source: { type: 'string' },
		minimum: { type: 'string' },
		mode: { type: 'string' },
		existing: { type: 'string' },
		pattern: { type: 'string', multiple: true },
		database: { type: 'string', multiple: true },
		'skip-functions': { type: 'boolean' },
		listen: { type: 'string' },
		announce: { type: 'string' },
		folder: { type: 'string' },
		confirm: { type: 'string' },
		'dry-run': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const mode = choiceOption(values, 'mode', ['keys', 'replace', 'file'] as const) ?? 'keys';
		const result = await runJob<'redis.restore'>(
			{
				kind: 'redis.restore',
				store: storeFrom(values, world.environment),
				decryption: await decryptionFrom(values, world),
				connection: mode === 'file' ? null : await redisConnectionFrom(values, world),
				backup: backupChoiceFrom(textOption(values, 'backup') ?? 'latest', textOption(values, 'source')),
				target: targetFrom(mode, values),
				minimumVerification: choiceOption(values, 'minimum', ['none', ...VERIFICATION_LEVELS] as const) ?? 'none',
				dryRun: values['dry-run'] === true,
				confirmation: textOption(values, 'confirm') ?? '',
			},
			world.runOptions,
		);
		return { result, text: describe(result) };
	},
};

function targetFrom(mode: 'keys' | 'replace' | 'file', values: OptionValues) {
	switch (mode) {
		case 'keys':
			return {
				mode,
				existing: choiceOption(values, 'existing', ['keep', 'overwrite'] as const) ?? ('keep' as const),
				patterns: listOption(values, 'pattern'),
				databases: listOption(values, 'database').map((text) => {
					if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--database takes a number, not "${text}".`);
					return Number(text);
				}),
				functions: values['skip-functions'] === true ? ('skip' as const) : ('restore' as const),
			};
		case 'replace':
			return { mode, listen: addressFrom(textOption(values, 'listen') ?? '0.0.0.0', 0), ...(textOption(values, 'announce') === undefined ? {} : { announce: addressFrom(textOption(values, 'announce') ?? '', 0) }) };
		case 'file': {
			const folder = textOption(values, 'folder');
			if (folder === undefined) throw new UsageError('--folder is missing.');
			return { mode, folder: resolve(folder) };
		}
	}
}

function listOption(values: OptionValues, name: string): string[] {
	const value = values[name];
	return (Array.isArray(value) ? value : []).filter((entry) => typeof entry === 'string');
}

function describe(result: RedisRestoreResult): string {
	const plan = result.plan.map((line, at) => `${at + 1}. ${line}`).join('\n');
	if (result.dryRun) {
		const checks = renderTable(['check', 'state', 'detail'], result.checks.map((check) => [check.check, check.state, [check.detail, check.hint].filter(Boolean).join(' ')]));
		return `Nothing was changed. This is what would be done with ${result.backup.id}:\n\n${plan}\n\n${checks}`;
	}
	const steps = renderTable(['step', 'seconds', 'detail'], result.steps.map((step) => [step.step, step.seconds.toFixed(1), step.detail]));
	const lines = [`Restored ${result.backup.id} into ${result.target}: ${result.restored} keys.`, ...result.warnings.map((warning) => `Warning: ${warning}`)];
	return `${steps}\n\n${lines.join('\n')}${plan === '' ? '' : `\n\nNow:\n${plan}`}`;
}
