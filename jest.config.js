const { availableParallelism } = require('node:os');

const transform = {
	transform: { '^.+\\.[jt]sx?$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }] },
	// age-encryption and what it stands on are ES modules; Node loads them as they are, jest cannot.
	transformIgnorePatterns: ['/node_modules/(?!(age-encryption|@noble|@scure)/)'],
	// A dynamic import names the compiled file, as Node wants it.
	moduleNameMapper: { '^(\\./handlers/.+)\\.js$': '$1' },
	modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/test/n8n/'],
};

/** One kind of test a folder; see CONTRIBUTING.md for what each needs. */
const project = (name) => ({
	displayName: name,
	testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
	testEnvironment: 'node',
	// Not in the temporary folder, which may be another one each time, or memory.
	cacheDirectory: '<rootDir>/node_modules/.cache/jest',
	...transform,
});

/** The same for tests that share what is costly to make. */
const sharing = (name) => ({
	...project(name),
	globalSetup: '<rootDir>/test/support/shared-folder-setup.ts',
	globalTeardown: '<rootDir>/test/support/shared-folder-teardown.ts',
});

/** @type {import('jest').Config} */
module.exports = {
	testSequencer: '<rootDir>/test/support/longest-first.cjs',
	// jest leaves a core free by itself; ours mostly wait for servers.
	maxWorkers: availableParallelism(),
	// Long enough for a busy machine; a test that hangs still ends.
	testTimeout: 60_000,
	projects: [project('unit'), project('nodes'), sharing('integration'), sharing('e2e'), sharing('rehearsal')],
};
