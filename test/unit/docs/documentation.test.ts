import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '../../../lib/core/errors';
import { callsIn, codeIn, unknownIn } from './calls';
import { linksIn, resolves } from './links';

const ROOT = join(__dirname, '../../..');
const pagesBelowDocs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pagesBelowDocs];
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Names of files, of fields of package.json and of manifests that begin like a setting. */
const NO_SETTING = /\.(json|zst|sqlite|nodes|snapshots)$/;

// A person at three in the morning types what stands in the pages: all of it has to exist.
describe.each(pages)('%s', (page) => {
	const text = read(page);
	const codes = codeIn(text);

	test('links lead to files, and to headings, that there are', () => {
		expect(linksIn(text).filter((link) => !resolves(ROOT, page, link))).toEqual([]);
	});

	test('commands and options are those of the command line', () => {
		expect(callsIn(text).flatMap(unknownIn)).toEqual([]);
	});

	test('npm scripts exist', () => {
		const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
		const named = [...text.matchAll(/npm run ([a-z][a-z:-]*)/g)].map(([, name = '']) => name);
		expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
	});

	test('settings are called as in Backup: Settings', () => {
		const bold = [...text.matchAll(/\*\*([^*\n]+)\*\*/g)].map(([, words = '']) => words);
		const named = [...codes, ...bold].filter((word) => /^[a-zA-Z0-9]+(\.[a-zA-Z0-9]+)+$/.test(word) && groups.has(word.split('.')[0] ?? '') && !NO_SETTING.test(word));
		expect(named.filter((name) => !settings.some((setting) => setting === name || setting.startsWith(`${name}.`)))).toEqual([]);
	});

	test('environment variables, error codes and files of the repository exist', () => {
		const variables = [...text.matchAll(/\bBACKUP_RECOVERY_[A-Z_]+\b/g)].map(([name]) => name);
		expect(variables.filter((name) => !sources.includes(name))).toEqual([]);
		const named = codes.filter((code) => /^[A-Z]+(_[A-Z]+)+$/.test(code) && !/^(BACKUP_RECOVERY|AWS|TARGET_AWS|DB|N8N|WEBHOOK)_/.test(code));
		expect(named.filter((code) => !(ERROR_CODES as readonly string[]).includes(code))).toEqual([]);
		const paths = codes.filter((code) => /^(lib|cli|nodes|test|scripts|benchmarks|docker)(\/[\w.-]+)+\/?$/.test(code));
		expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
	});
});

test('the index of docs names every page', () => {
	const named = new Set(linksIn(read('docs/README.md')).map((link) => `docs/${link}`));
	expect(pagesBelowDocs.filter((page) => page !== 'docs/README.md' && !named.has(page))).toEqual([]);
});

test('what does not exist is found', () => {
	expect(callsIn('`backup-recovery restroe --store /x`').flatMap(unknownIn)).toEqual(['there is no command restroe']);
	expect(callsIn('```sh\nnpx --package p backup-recovery list --store /x \\\n   --lmit 3   # --fine\n```').flatMap(unknownIn)).toEqual(['list has no option --lmit']);
	expect(['README.md', 'none.md', 'README.md#none', '#what-it-does'].map((link) => resolves(ROOT, 'README.md', link))).toEqual([true, false, false, true]);
});

const workflow = JSON.parse(read('workflows/backup-settings.json')) as { nodes: { parameters: { assignments?: { assignments: { name: string }[] } } }[] };
const settings = workflow.nodes.flatMap(({ parameters }) => parameters.assignments?.assignments ?? []).map(({ name }) => name);
const groups = new Set(settings.map((name) => name.split('.')[0] ?? ''));

const sources = ['lib', 'cli', 'nodes', 'docker', 'scripts']
	.flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
	.filter((entry) => entry.isFile() && /(\.(ts|mjs|sh|yaml)|Dockerfile)$/.test(entry.name))
	.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
	.join('\n');
