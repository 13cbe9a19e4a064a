import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { StepRecorder } from '../core/steps';
import { ONLY_NETWORK } from '../process/allowed-network';
import { streamTool } from '../process/run-tool';
import type { StoreLocation } from '../storage/location';
import { STORE_CA_NAME, storeArguments, storeNetwork, storeVariables } from './store-arguments';

/** What a role of the machine is found by; only for stores that use it. */
const OF_THE_ROLE = /^AWS_(CONTAINER_|WEB_IDENTITY_|ROLE_|EC2_METADATA_|REGION$)/;

const pointsSchema = z.object({
	recoveryPoints: z.array(z.object({ id: z.string(), complete: z.boolean(), state: z.string(), members: z.array(z.object({ component: z.string(), kind: z.string(), backup: z.string(), source: z.string(), state: z.string() })) })),
});
const outcomeSchema = z.object({ result: z.unknown().optional(), error: z.object({ message: z.string(), hint: z.string() }).optional() });
/** Of what a command says. A thousand recovery points are about 3 MB. */
const MOST_KEPT = 16 * 1024 * 1024;
type Point = z.infer<typeof pointsSchema>['recoveryPoints'][number];

export interface KitProof {
	/** The newest complete recovery point that the single file found; null: the store has none. */
	readonly recoveryPoint: Point | null;
	/** What of it was restored or read. */
	readonly read: string;
	/** A targets file for it, to be edited. */
	readonly targets: string;
	/** What could be reached meanwhile. */
	readonly network: string;
}

/**
 * Runs the single file as whoever opens the kit will: in an empty folder, with no other module, no n8n, an empty environment, and no
 * network but the store's. Lists the recovery points and restores something of the newest; without a key it reads every byte of it instead.
 * @throws BackupError what the single file said
 */
export async function proveSingleFile(singleFile: string, store: StoreLocation, context: JobContext, steps: StepRecorder): Promise<KitProof> {
	const folder = await mkdtemp(join(context.workFolder, 'empty-'));
	try {
		return await new Proof(folder, store, context, steps).run(singleFile);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

class Proof {
	private readonly network: string;

	constructor(
		private readonly folder: string,
		private readonly store: StoreLocation,
		private readonly context: JobContext,
		private readonly steps: StepRecorder,
	) {
		this.network = storeNetwork(store);
	}

	async run(singleFile: string): Promise<KitProof> {
		await copyFile(singleFile, join(this.folder, 'backup-recovery.cjs'));
		await mkdir(join(this.folder, 'tmp'), { mode: 0o700 });
		if (this.store.type === 's3' && this.store.ca !== '') await writeFile(join(this.folder, STORE_CA_NAME), this.store.ca);
		const points = await this.steps.run('List the recovery points', async () => pointsSchema.parse(await this.command('recovery-points')).recoveryPoints, (found) => `The single file found ${found.length} in ${this.network === 'none' ? 'the folder, without any network' : `the bucket, with no network but ${this.network}`}.`);
		const point = points.filter(({ complete }) => complete).toSorted((a, b) => b.members.length - a.members.length)[0] ?? null;
		if (point === null) return { recoveryPoint: null, read: 'nothing: there is no complete recovery point', targets: '{}\n', network: this.network };
		const targets = await this.steps.run('Make a targets file', async () => `${JSON.stringify(await this.command('restore-all', '--example', '--point', point.id), null, 2)}\n`, () => `For ${point.id}.`);
		const read = await this.steps.run('Read a backup of it', async () => await this.readOne(point), (what) => what);
		return { recoveryPoint: point, read, targets, network: this.network };
	}

	/** Configuration first: small, encrypted, and restored without any server. */
	private async readOne({ members }: Point): Promise<string> {
		const keys = await this.keyArguments();
		const present = members.filter(({ state, kind }) => state === 'present' && kind !== 'base');
		const files = keys === undefined ? undefined : (present.find(({ component }) => component === 'config') ?? present.find(({ component }) => component === 'files'));
		if (files && keys) {
			await this.command('restore-files', '--component', files.component, '--backup', files.backup, '--folder', join(this.folder, 'restored'), '--owner', 'none', ...keys);
			return `${files.component}/${files.source} was restored into the empty folder and compared with its index.`;
		}
		const one = present.find(({ component }) => component === 'config') ?? present.find(({ component }) => component === 'n8n') ?? present[0];
		if (one === undefined) return 'Nothing: no backup of it is here.';
		await this.command('verify', '--component', one.component, '--backup', one.backup, '--level', 'checksum');
		return `Every byte of ${one.component}/${one.source} was read and is as it was written. It was not opened: no key was given.`;
	}

	/** undefined: no key was given. */
	private async keyArguments(): Promise<string[] | undefined> {
		const { decryption } = this.context.keys;
		if (decryption === null) return undefined;
		const write = async (name: string, text: string) => await writeFile(join(this.folder, name), `${text}\n`, { mode: 0o600 });
		if (decryption.identities.length > 0) await write('identity.txt', decryption.identities.join('\n'));
		if (decryption.passphrase !== undefined) await write('passphrase.txt', decryption.passphrase);
		return [...(decryption.identities.length > 0 ? ['--identity-file', 'identity.txt'] : []), ...(decryption.passphrase === undefined ? [] : ['--passphrase-file', 'passphrase.txt'])];
	}

	/** The result of one command, or its error as if it were ours. */
	private async command(name: string, ...more: string[]): Promise<unknown> {
		const role = this.store.type === 's3' && this.store.credentials.from === 'role' ? Object.entries(process.env).filter(([variable]) => OF_THE_ROLE.test(variable)) : [];
		let stdout = '';
		try {
			const output = streamTool({
				file: process.execPath,
				args: ['backup-recovery.cjs', name, ...storeArguments(this.store), ...more, '--json'],
				cwd: this.folder,
				env: { HOME: this.folder, TMPDIR: join(this.folder, 'tmp'), [ONLY_NETWORK]: this.network, ...storeVariables(this.store), ...(Object.fromEntries(role) as Record<string, string>) },
				signal: this.context.signal,
			});
			// Many lines of progress may come before the last one, which alone counts.
			for await (const chunk of output) stdout = (stdout + chunk.toString('utf8')).slice(-MOST_KEPT);
			return lastLine(stdout).result;
		} catch (error) {
			if (!(error instanceof BackupError) || error.code !== 'TOOL_FAILED') throw error;
			const said = lastLine(stdout).error;
			throw new BackupError(
				'TOOL_FAILED',
				`The single file of the kit failed at "${name}" in an empty folder: ${said === undefined ? error.message : said.message}`,
				`${said?.hint ?? ''} The kit was not written; the one from before is untouched.`.trimStart(),
				{ cause: error },
			);
		}
	}
}

/** The outcome of a command is one line: its result or its error. */
function lastLine(stdout: string): { readonly result?: unknown; readonly error?: { readonly message: string; readonly hint: string } } {
	const outcome = outcomeSchema.safeParse(parsed(stdout.trimEnd().split('\n').at(-1) ?? ''));
	return outcome.success ? outcome.data : {};
}

function parsed(line: string): unknown {
	try {
		return JSON.parse(line);
	} catch {
		return undefined;
	}
}
