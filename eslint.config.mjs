import { n8nCommunityNodesPlugin } from '@n8n/eslint-plugin-community-nodes';
import n8nNodesBase from 'eslint-plugin-n8n-nodes-base';
import tseslint from 'typescript-eslint';

/** What an engine may import from. */
const engineArrows = ['core', 'storage', 'catalog', 'pipeline', 'backup', 'process'];

/**
 * The arrows of the house: which folders of lib/ each folder may import from (its own always).
 * Arrows point down only, so that recovery works when n8n, or everything above an engine, is lost.
 */
const arrows = {
	core: [],
	process: ['core'],
	storage: ['core'],
	pipeline: ['core', 'storage'],
	catalog: ['core', 'storage'],
	retention: ['core', 'storage', 'catalog', 'postgres'],
	backup: ['core', 'storage', 'catalog', 'pipeline'],
	postgres: engineArrows,
	redis: engineArrows,
	files: engineArrows,
	n8n: [...engineArrows, 'postgres', 'files'],
	copy: ['core', 'storage', 'catalog', 'pipeline', 'backup', 'postgres'],
	verify: ['core', 'storage', 'catalog', 'pipeline', 'backup', 'process', 'postgres', 'redis', 'files', 'n8n'],
	recovery: ['core', 'storage', 'catalog', 'pipeline', 'backup', 'postgres', 'files', 'copy'],
	status: ['core', 'storage', 'catalog'],
	report: ['core', 'storage', 'catalog', 'status', 'log'],
	forensics: ['core', 'storage', 'catalog', 'status'],
	'break-glass': ['core', 'storage', 'catalog', 'pipeline', 'backup', 'process', 'report'],
	log: ['core', 'storage', 'catalog', 'status', 'postgres'],
	jobs: ['core', 'storage', 'catalog', 'pipeline', 'backup', 'process', 'postgres', 'redis', 'files', 'n8n', 'copy', 'recovery', 'verify', 'retention', 'status', 'report', 'log', 'break-glass', 'forensics'],
};

/** What nodes/ and cli/ may use of lib/: running a job, and the modules that only describe data. */
const doorsToLib = [
	'jobs/(run-job|results|check-job|schema/[^/]+)',
	'core/(errors|progress|keys|words)',
	'catalog/(component|manifest|[a-z0-9]+-manifest|summary|verification|recovery-point|recovery-journal)',
	'storage/location',
	'(postgres|redis)/connection-settings',
	'retention/(policy|plan)',
].join('|');

/** Processes are started in lib/process (tools) and by the job runner (its worker), nowhere else. */
const noProcesses = { regex: '^(node:)?child_process$|^execa$', message: 'Only lib/process and lib/jobs start processes.' };
const noN8n = { regex: '^n8n-|^@n8n/', message: 'lib/ and cli/ know nothing of n8n: recovery must work when it is lost.' };

const restricted = (files, patterns) => ({ files, rules: { 'no-restricted-imports': ['error', { patterns }] } });

const arrowRules = Object.entries(arrows).map(([folder, below]) => {
	const forbidden = Object.keys(arrows).filter((other) => other !== folder && !below.includes(other));
	const message = `lib/${folder} may import from lib/{${[folder, ...below].join(',')}} only.`;
	return restricted(
		[`lib/${folder}/**/*.ts`],
		[
			noN8n,
			{ regex: '^(\\.\\./)+(nodes|cli|credentials|test|demo|benchmarks|scripts)/', message },
			...(forbidden.length > 0 ? [{ regex: `^(\\.\\./)+(${forbidden.join('|')})/`, message }] : []),
			...(['process', 'jobs'].includes(folder) ? [] : [noProcesses]),
		],
	);
});

export default tseslint.config(
	{ ignores: ['**/dist/', '**/node_modules/', 'coverage/', 'docs/', 'test/n8n/', '**/*.js', '**/*.cjs', '**/*.mjs'] },

	{
		files: ['**/*.ts'],
		extends: [tseslint.configs.strictTypeChecked],
		languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
		linterOptions: { reportUnusedDisableDirectives: 'error' },
		rules: {
			'no-empty': ['error', { allowEmptyCatch: false }],
			'no-restricted-syntax': [
				'error',
				{ selector: "Property[key.name='shell'][value.value=true]", message: 'No shell: argument arrays only.' },
			],
			'@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
			// Numbers in messages are what messages are for.
			'@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
			// `() => void f()` and `() => f()` are the short form of a callback whose value nobody reads.
			'@typescript-eslint/no-confusing-void-expression': 'off',
			'@typescript-eslint/no-meaningless-void-operator': 'off',
			// The reason of an AbortSignal may be anything, and is thrown as it is.
			'@typescript-eslint/only-throw-error': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
			// Async functions without `await` keep one shape for all implementations of an interface (a job, a handler, a store).
			'@typescript-eslint/require-await': 'off',
			// It does not see what a callback or another task changes meanwhile, nor that a union of one member will grow.
			'@typescript-eslint/no-unnecessary-condition': 'off',
			// Handlers are typed by their job's kind alone (`runLookup<K>`, `runJob<K>`): the result follows from it.
			'@typescript-eslint/no-unnecessary-type-parameters': 'off',
			'@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
		},
	},

	{
		files: ['lib/**/*.ts', 'nodes/**/*.ts', 'credentials/**/*.ts', 'cli/**/*.ts'],
		rules: { 'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }] },
	},
	{ files: ['lib/**/*.ts', 'nodes/**/*.ts', 'credentials/**/*.ts'], rules: { 'no-console': 'error' } },
	...arrowRules,
	restricted(
		['nodes/**/*.ts', 'credentials/**/*.ts'],
		[
			noProcesses,
			{ regex: '^(\\.\\./)+cli/', message: 'nodes/ and cli/ do not know each other.' },
			{ regex: `^(\\.\\./)+lib/(?!(${doorsToLib})$)`, message: 'A node turns parameters into a job and runs it; it uses nothing else of lib/.' },
		],
	),
	restricted(
		['cli/**/*.ts'],
		[
			noProcesses,
			noN8n,
			{ regex: '^(\\.\\./)+(nodes|credentials)/', message: 'nodes/ and cli/ do not know each other.' },
			{ regex: `^(\\.\\./)+lib/(?!(${doorsToLib})$)`, message: 'The command line turns arguments into a job and runs it; it uses nothing else of lib/.' },
		],
	),

	restricted(
		['cli/break-glass.ts'],
		[
			noProcesses,
			noN8n,
			{ regex: '^(\\.\\./)+(nodes|credentials)/', message: 'nodes/ and cli/ do not know each other.' },
			{ regex: `^(\\.\\./)+lib/(?!(jobs/(child-process|worker\\.js)|process/allowed-network)$)`, message: 'The single file holds the command line and the worker of its jobs.' },
		],
	),

	{
		files: ['test/**/*.ts', 'benchmarks/**/*.ts', 'demo/**/*.ts', 'scripts/**/*.ts'],
		rules: {
			// Tests build wrong data on purpose, and take what they set up a line before as given.
			'@typescript-eslint/no-non-null-assertion': 'off',
			'@typescript-eslint/no-unsafe-assignment': 'off',
			'@typescript-eslint/no-unsafe-member-access': 'off',
			'@typescript-eslint/no-unsafe-argument': 'off',
			'@typescript-eslint/no-unsafe-return': 'off',
			'@typescript-eslint/no-unsafe-call': 'off',
			'@typescript-eslint/unbound-method': 'off',
			'@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
			'@typescript-eslint/no-deprecated': 'off',
		},
	},

	{
		files: ['nodes/**/*.ts'],
		plugins: { 'n8n-nodes-base': n8nNodesBase },
		rules: {
			...n8nNodesBase.configs.nodes.rules,
			// Both want the strings 'main' of before n8n 1.0; NodeConnectionTypes is what n8n's newer plugin asks for.
			'n8n-nodes-base/node-class-description-inputs-wrong-regular-node': 'off',
			'n8n-nodes-base/node-class-description-outputs-wrong': 'off',
			// It knows one icon for both themes only; ours have a light and a dark one, as n8n's newer plugin asks for.
			'n8n-nodes-base/node-class-description-icon-not-svg': 'off',
		},
	},
	{
		files: ['credentials/**/*.ts'],
		plugins: { 'n8n-nodes-base': n8nNodesBase },
		rules: {
			...n8nNodesBase.configs.credentials.rules,
			// It is for n8n's own credentials, whose documentation is a slug; those of a package are addresses.
			'n8n-nodes-base/cred-class-field-documentation-url-miscased': 'off',
		},
	},
	{
		// Without the rules for n8n's cloud: files and processes are this package's trade, so it is for self-hosted n8n only.
		files: ['nodes/**/*.ts', 'credentials/**/*.ts', 'package.json'],
		...n8nCommunityNodesPlugin.configs.recommendedWithoutN8nCloudSupport,
	},
	{
		files: ['nodes/**/*.ts'],
		rules: {
			// Below execute.ts and lookups.ts errors are BackupErrors (what happened, what to do next); those two make n8n's errors of them.
			'@n8n/community-nodes/require-node-api-error': 'off',
			// Backup Catalog is one resource, the catalog, however many operations it has.
			'@n8n/community-nodes/resource-operation-pattern': 'off',
		},
	},
	{
		files: ['package.json'],
		plugins: { 'n8n-nodes-base': n8nNodesBase },
		languageOptions: { parser: tseslint.parser, parserOptions: { extraFileExtensions: ['.json'] } },
		rules: {
			...n8nNodesBase.configs.community.rules,
			// PostgreSQL's protocol, zod and zstd frames are not to be written anew; unverified community nodes may have dependencies.
			'@n8n/community-nodes/no-runtime-dependencies': 'off',
		},
	},
);
