import { execFile, spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { JobKeys } from '../../lib/core/keys';

const run = promisify(execFile);

/** A key pair made by stock `age-keygen`. */
export interface AgePair {
	readonly recipient: string;
	readonly identity: string;
}

export async function newAgePair(): Promise<AgePair> {
	const { stdout } = await run('age-keygen');
	const recipient = /age1[a-z0-9]+/.exec(stdout)?.[0];
	const identity = /AGE-SECRET-KEY-1[A-Z0-9]+/.exec(stdout)?.[0];
	if (recipient === undefined || identity === undefined) throw new Error('age-keygen printed no pair');
	return { recipient, identity };
}

/** Keys that encrypt to `pair` and decrypt with it. */
export function keysOf(pair: AgePair): JobKeys {
	return { encryption: { to: 'recipients', recipients: [pair.recipient] }, decryption: { identities: [pair.identity] } };
}

/** What stock `age` makes of `input`. */
export async function stockAge(args: readonly string[], input: Buffer): Promise<Buffer> {
	const child = spawn('age', args, { stdio: ['pipe', 'pipe', 'inherit'] });
	const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
	child.stdin.end(input);
	const output = await buffer(child.stdout);
	if ((await ended) !== 0) throw new Error('age failed');
	return output;
}
