// Puts the compiled command line with all that it needs into one file, dist/break-glass/backup-recovery.cjs, and the licences of what is in it beside it.
// Plain Node runs that file in an empty folder: it is what the break-glass kit holds.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'dist', 'break-glass');
const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const { metafile } = await build({
	absWorkingDir: root,
	entryPoints: ['dist/cli/break-glass.js'],
	outfile: 'dist/break-glass/backup-recovery.cjs',
	bundle: true,
	platform: 'node',
	// The oldest Node that jobs run on.
	target: 'node22',
	format: 'cjs',
	// An optional faster driver, which pg asks for and does without.
	external: ['pg-native'],
	define: { BUNDLED_VERSION: JSON.stringify(version) },
	minify: true,
	keepNames: true,
	legalComments: 'none',
	metafile: true,
	logLevel: 'warning',
});

const PACKAGE = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//;
const folders = new Set(Object.keys(metafile.inputs).flatMap((input) => PACKAGE.exec(input)?.[0] ?? []));
const texts = [...folders].sort().map((path) => licenceOf(join(root, path)));
writeFileSync(join(folder, 'LICENSES.txt'), [`backup-recovery.cjs is n8n-nodes-backup-recovery ${version} (${license}) and these packages:`, ...texts].join(`\n\n${'='.repeat(80)}\n`) + '\n');

/** Licences ask for their text to go with every copy. */
function licenceOf(path) {
	const { name, version: packageVersion, license: kind } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
	const files = readdirSync(path).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
	if (kind === undefined && files.length === 0) throw new Error(`${name} says nothing of its licence: it must not be bundled.`);
	const texts = files.map((file) => readFileSync(join(path, file), 'utf8').trim());
	return [`${name} ${packageVersion} (${typeof kind === 'string' ? kind : 'see below'})`, ...texts].join('\n\n');
}

if (!existsSync(join(folder, 'backup-recovery.cjs'))) throw new Error('The bundle was not written.');
