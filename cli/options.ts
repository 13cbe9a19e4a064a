import { readFile } from 'node:fs/promises';
import type { ParseArgsConfig } from 'node:util';
import { TLS_MODES } from '../lib/postgres/connection-settings';
import { readPassword, type SecretSources } from './secrets';
import { UsageError } from './usage-error';

type OptionSpecs = NonNullable<ParseArgsConfig['options']>;
export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

export const outputOptions = {
	json: { type: 'boolean' },
	help: { type: 'boolean', short: 'h' },
} satisfies OptionSpecs;

export const storeOptions = {
	store: { type: 'string', short: 's' },
	prefix: { type: 'string' },
	endpoint: { type: 'string' },
	region: { type: 'string' },
	'path-style': { type: 'boolean' },
	checksums: { type: 'string' },
	'store-ca-file': { type: 'string' },
} satisfies OptionSpecs;

export const targetOptions = {
	to: { type: 'string' },
	'to-prefix': { type: 'string' },
	'to-endpoint': { type: 'string' },
	'to-region': { type: 'string' },
	'to-path-style': { type: 'boolean' },
	'to-checksums': { type: 'string' },
	'to-store-ca-file': { type: 'string' },
} satisfies OptionSpecs;

export const connectionOptions = {
	host: { type: 'string' },
	port: { type: 'string' },
	user: { type: 'string' },
	'maintenance-database': { type: 'string' },
	'password-file': { type: 'string' },
	'password-stdin': { type: 'boolean' },
	tls: { type: 'string' },
	'ca-file': { type: 'string' },
	'client-folder': { type: 'string' },
} satisfies OptionSpecs;

/** The value of a text option, or undefined. */
export function textOption(values: OptionValues, name: string): string | undefined {
	const value = values[name];
	return typeof value === 'string' ? value : undefined;
}

/** The value of a text option that the command cannot do without. */
export function requiredOption(values: OptionValues, name: string): string {
	const value = textOption(values, name);
	if (value === undefined || value === '') throw new UsageError(`--${name} is missing.`);
	return value;
}

export function wholeNumberOption(values: OptionValues, name: string): number | undefined {
	const value = textOption(values, name);
	if (value === undefined) return undefined;
	if (!/^\d+$/.test(value)) throw new UsageError(`--${name} takes a whole number, not "${value}".`);
	return Number(value);
}

/** One of a fixed set of words. */
export function choiceOption<T extends string>(values: OptionValues, name: string, choices: readonly T[]): T | undefined {
	const value = textOption(values, name);
	if (value === undefined) return undefined;
	const found = choices.find((choice) => choice === value);
	if (found === undefined) throw new UsageError(`--${name} takes one of ${choices.join(', ')}, not "${value}".`);
	return found;
}

/** An option that may be given several times. */
export function listOption(values: OptionValues, name: string): string[] {
	const value = values[name];
	return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** The server of the connection options; what is left out comes from libpq's own variables (`PGHOST`, `PGPORT`, `PGUSER`). */
export async function connectionFrom(values: OptionValues, sources: SecretSources) {
	const { environment } = sources;
	const caFile = textOption(values, 'ca-file');
	return {
		host: textOption(values, 'host') ?? environment.PGHOST ?? 'localhost',
		port: wholeNumberOption(values, 'port') ?? Number(environment.PGPORT ?? 5432),
		user: textOption(values, 'user') ?? environment.PGUSER ?? 'postgres',
		password: await readPassword({ passwordFile: textOption(values, 'password-file'), passwordStdin: values['password-stdin'] === true }, sources),
		database: textOption(values, 'maintenance-database') ?? 'postgres',
		tls: { mode: choiceOption(values, 'tls', TLS_MODES) ?? ('prefer' as const), ca: caFile === undefined ? '' : await readFile(caFile, 'utf8') },
		clientFolder: textOption(values, 'client-folder') ?? '',
	};
}

/** `latest`, `latest-verified`, or an id. */
export function backupChoiceFrom(value: string, source?: string) {
	if (value === 'latest') return { by: 'latest' as const, source };
	if (value === 'latest-verified') return { by: 'latestVerified' as const, source };
	return { by: 'id' as const, id: value };
}
