import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CHECKSUM_MODES, type StoreLocationInput } from '../lib/storage/location';
import { choiceOption, type OptionValues, requiredOption, storeOptions, textOption } from './options';
import { UsageError } from './usage-error';

const S3 = /^s3:\/\/([^/]+)(?:\/(.*?))?\/*$/;

/** For the usage of every command that takes a store. */
export const STORE_USAGE = 'FOLDER is a folder, or s3://BUCKET[/PREFIX] with [--endpoint https://HOST] [--region REGION] [--path-style] [--checksums WHEN_REQUIRED] [--store-ca-file FILE]; keys: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, else the role of the machine.';

/**
 * The store of `--store`: a folder as seen from here, or a bucket. What is left out comes from AWS's own variables (`AWS_REGION`,
 * `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`), the keys from nowhere else: `ps` would show a flag. Without keys the machine's role is used.
 */
export function storeFrom(values: OptionValues, environment: NodeJS.ProcessEnv = process.env): StoreLocationInput {
	const store = requiredOption(values, 'store');
	const prefix = textOption(values, 'prefix') ?? '';
	const found = S3.exec(store);
	if (!found) {
		if (store.startsWith('s3:')) throw new UsageError(`--store takes a folder or s3://BUCKET/PREFIX, not "${store}".`);
		return { type: 'folder', path: resolve(store), prefix };
	}
	const [, bucket = '', folder = ''] = found;
	const caFile = textOption(values, 'store-ca-file');
	return {
		type: 's3',
		bucket,
		prefix: [folder, prefix].filter((part) => part !== '').join('/'),
		endpoint: textOption(values, 'endpoint') ?? environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL ?? '',
		region: textOption(values, 'region') ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1',
		forcePathStyle: values['path-style'] === true,
		checksums: choiceOption(values, 'checksums', CHECKSUM_MODES) ?? 'WHEN_SUPPORTED',
		ca: caFile === undefined ? '' : readCertificate(caFile),
		credentials: keysFrom(environment),
	};
}

/**
 * The store of `--to`, for commands that go from one store to another: the same options with `to-` before them, and the same variables
 * with `TARGET_` before them, where the target has others.
 */
export function targetFrom(values: OptionValues, environment: NodeJS.ProcessEnv = process.env): StoreLocationInput {
	const ofTarget = Object.entries(environment).flatMap(([name, value]) => (name.startsWith('TARGET_AWS_') ? [[name.slice('TARGET_'.length), value] as const] : []));
	const options = Object.keys(storeOptions).map((name) => [name, values[`to-${name}`]] as const);
	const variables = ofTarget.some(([name]) => name === 'AWS_ACCESS_KEY_ID') ? { ...environment, AWS_SESSION_TOKEN: undefined } : environment;
	return storeFrom({ ...Object.fromEntries(options), store: requiredOption(values, 'to') }, { ...variables, ...Object.fromEntries(ofTarget) });
}

function keysFrom({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken }: NodeJS.ProcessEnv) {
	if (!accessKeyId && !secretAccessKey) return { from: 'role' as const };
	if (!accessKeyId || !secretAccessKey) throw new UsageError('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together.');
	return { from: 'keys' as const, accessKeyId, secretAccessKey, sessionToken: sessionToken ?? '' };
}

function readCertificate(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		throw new UsageError(`The certificate file ${path} cannot be read: ${(error as Error).message}`);
	}
}
