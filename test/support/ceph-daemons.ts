import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Runs programs of the unpacked S3 server (see `scripts/setup/s3-server.mjs`) with its own loader and libraries. */
export interface CephDaemons {
	/** Where its plug-ins are. */
	readonly libraries: string;
	/** Runs a program to its end. @returns its output */
	run(program: string, args: readonly string[]): Promise<string>;
	/** Starts a daemon, and waits until its port answers. */
	start(program: string, args: readonly string[], port?: number): Promise<void>;
	/** What a daemon last wrote. */
	log(program: string): string;
	/** Ends all daemons, last started first. */
	stop(): Promise<void>;
}

/** Why the S3 server cannot run here, or `undefined` when it can: what skipped tests say. */
export function s3Missing(): string | undefined {
	if (serverFolder() !== undefined) return undefined;
	return process.env.BACKUP_RECOVERY_TEST_S3_MISSING ?? 'it is not there: run the tests through npm, which fetches it';
}

/** `folder` gets the configuration (`ceph.conf`), which the caller writes, and all data. */
export function cephDaemons(folder: string): CephDaemons {
	const server = serverFolder();
	if (server === undefined) throw new Error(`There is no S3 server: ${s3Missing()}.`);
	const usr = join(server, 'root', 'usr');
	const machine = readdirSync(join(usr, 'lib')).find((name) => name.endsWith('-linux-gnu'));
	if (machine === undefined) throw new Error(`${usr} holds no libraries`);
	const libraries = join(usr, 'lib', machine);
	const loader = readdirSync(libraries).find((name) => /^ld-linux-.*\.so\.\d$/.test(name));
	if (loader === undefined) throw new Error(`${libraries} holds no loader`);

	const running: { readonly program: string; readonly child: ChildProcess; log: string }[] = [];
	const launch = (program: string, args: readonly string[], deathSignal: boolean) => {
		// `ceph` alone is a script in Python.
		const command = program === 'ceph' ? [join(usr, 'bin', 'python3'), join(usr, 'bin', program)] : [join(usr, 'bin', program)];
		const argv = [join(libraries, loader), '--library-path', `${libraries}:${join(libraries, 'ceph')}`, ...command, ...args];
		// A daemon dies with the test that started it, also when that is killed.
		const [file = '', ...rest] = deathSignal ? ['setpriv', '--pdeathsig', 'KILL', ...argv] : argv;
		return spawn(file, rest, {
			cwd: folder,
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder, LANG: 'C.UTF-8', CEPH_CONF: join(folder, 'ceph.conf'), PYTHONHOME: usr, PYTHONPATH: join(usr, 'lib', 'python3', 'dist-packages'), PYTHONDONTWRITEBYTECODE: '1' },
		});
	};

	return {
		libraries,
		run: async (program, args) => {
			const child = launch(program, args, false);
			let output = '';
			let errors = '';
			child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
			child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
			const [code] = (await once(child, 'close')) as [number | null];
			if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${errors}${output.slice(-1000)}`);
			return output;
		},
		start: async (program, args, port) => {
			const daemon = { program, child: launch(program, args, true), log: '' };
			running.push(daemon);
			for (const stream of [daemon.child.stdout, daemon.child.stderr]) stream?.on('data', (chunk: Buffer) => (daemon.log = (daemon.log + chunk.toString()).slice(-4000)));
			if (port !== undefined) await untilListening(port, () => (ended(daemon.child) ? daemon.log : undefined));
		},
		log: (program) => running.find((daemon) => daemon.program === program)?.log ?? '',
		stop: async () => {
			for (const { child } of running.splice(0).reverse()) {
				if (ended(child)) continue;
				const closed = once(child, 'close');
				// Nothing of it is to survive, and an orderly end takes up to ten seconds.
				child.kill('SIGKILL');
				await closed;
			}
		},
	};
}

function ended(child: ChildProcess): boolean {
	return child.exitCode !== null || child.signalCode !== null;
}

/** Named by the set-up; else the one in the cache folder, for tests that are run by hand. */
function serverFolder(): string | undefined {
	const named = process.env.BACKUP_RECOVERY_TEST_S3;
	if (named !== undefined && named !== '') return named;
	const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'n8n-nodes-backup-recovery');
	const newest = existsSync(cache) ? readdirSync(cache).filter((name) => /^s3-server-\d+$/.test(name)).sort().at(-1) : undefined;
	return newest === undefined ? undefined : join(cache, newest);
}

async function untilListening(port: number, failed: () => string | undefined): Promise<void> {
	const deadline = performance.now() + 60_000;
	for (;;) {
		const socket = connect(port, '127.0.0.1');
		const open = await new Promise<boolean>((resolve) => {
			socket.once('connect', () => resolve(true));
			socket.once('error', () => resolve(false));
		});
		socket.destroy();
		if (open) return;
		const log = failed();
		if (log !== undefined || performance.now() > deadline) throw new Error(`a daemon of the S3 server did not start: ${log ?? 'it does not answer'}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
