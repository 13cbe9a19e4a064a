import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runQuietly } from './run.mjs';
import { SetupError } from './setup-error.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Why Debian's packages cannot be unpacked on this system; undefined where they can. */
export async function whyNoDebianRoot() {
	if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return `there is none for ${process.platform} on ${process.arch}`;
	if (!existsSync('/etc/debian_version') || !existsSync(KEYRING)) return 'it is made of Debian packages, and this is not Debian';
	if ((await debianMirror()) === undefined) return "no mirror of Debian's packages is set up on this system";
	return undefined;
}

/**
 * Unpacks packages with all their libraries into `<folder>/root`, from the first of `suites` that has them; to be run by the loader in
 * there. Nothing is installed on this system, and no root is needed.
 */
export async function unpackDebian(folder, { suites, packages, what }) {
	let failure;
	for (const suite of suites) {
		try {
			return await unpackSuite(suite, folder, packages, what);
		} catch (error) {
			if (!(error instanceof SetupError)) throw error;
			failure = error;
			console.log(`${what} of Debian ${suite} cannot be had: ${error.message.split('\n', 1)[0]}`);
		}
	}
	throw failure;
}

/** The mirror that this system already uses. */
async function debianMirror() {
	const sites = async (...filter) => (await output('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages', ...filter])).split('\n').filter((site) => site !== '');
	// The label is known only once the lists were read; before that the path must do.
	const [labelled] = await sites('Label: Debian');
	return labelled ?? (await sites()).find((site) => /\/debian\/?$/.test(site));
}

async function unpackSuite(suite, folder, packages, what) {
	const apt = join(folder, 'apt');
	for (const sub of ['etc/preferences.d', 'etc/apt.conf.d', 'lists/partial', 'cache/archives/partial']) await mkdir(join(apt, sub), { recursive: true });
	// Mirrors may lag behind on the unstable suite's dates; the signature is checked all the same.
	const trust = `signed-by=${KEYRING}${suite === 'sid' ? ' check-valid-until=no' : ''}`;
	await writeFile(join(apt, 'etc/sources.list'), `deb [${trust}] ${await debianMirror()} ${suite} main\n`);
	await writeFile(join(apt, 'status'), '');
	const settings = {
		'Dir::Etc': join(apt, 'etc'),
		'Dir::Etc::sourcelist': join(apt, 'etc/sources.list'),
		'Dir::Etc::sourceparts': '/dev/null',
		'Dir::State::lists': join(apt, 'lists'),
		'Dir::State::status': join(apt, 'status'),
		'Dir::Cache': join(apt, 'cache'),
		'Acquire::Languages': 'none',
		'APT::Install-Recommends': 'false',
		...(process.getuid() === 0 && { 'APT::Sandbox::User': 'root' }),
	};
	const env = { APT_CONFIG: join(apt, 'apt.conf') };
	await writeFile(env.APT_CONFIG, Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`).join(''));
	await runQuietly(`Reading the list of packages of Debian ${suite}`, 'apt-get', ['-q', 'update'], { env });
	await runQuietly(`Fetching ${what}`, 'apt-get', ['-qq', '-y', '--download-only', 'install', 'base-files', 'bash', 'libc-bin', ...packages], { env });

	const root = join(folder, 'root');
	// Debian's merged layout: otherwise packages that still say /lib would make a second folder.
	for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
		await mkdir(join(root, 'usr', name), { recursive: true });
		await symlink(`usr/${name}`, join(root, name));
	}
	const archives = join(apt, 'cache/archives');
	for (const name of (await readdir(archives)).filter((file) => file.endsWith('.deb'))) await unpack(join(archives, name), root);
	await runQuietly('Removing the packages, which are unpacked now', 'rm', ['-rf', apt]);
}

async function unpack(archive, root) {
	const excluded = ['doc', 'man', 'locale', 'info'].map((name) => `--exclude=./usr/share/${name}`);
	const from = spawn('dpkg-deb', ['--fsys-tarfile', archive], { stdio: ['ignore', 'pipe', 'inherit'] });
	const to = spawn('tar', ['-x', '-C', root, '--keep-directory-symlink', '--no-same-owner', '--no-same-permissions', ...excluded, '-f', '-'], { stdio: ['pipe', 'ignore', 'inherit'] });
	// tar may leave before it has read the padding at the end; what counts is how both end.
	to.stdin.on('error', () => undefined);
	from.stdout.pipe(to.stdin);
	await Promise.all([ended(from, archive), ended(to, archive)]);
}

async function ended(child, archive) {
	const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
	if (code !== 0) throw new SetupError(`Unpacking ${archive} failed (${child.spawnfile} ended with ${code}).`);
}

async function output(file, args) {
	const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
	let text = '';
	child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
	await new Promise((resolve) => child.once('error', resolve).once('close', resolve));
	return text;
}
