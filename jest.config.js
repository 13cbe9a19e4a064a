/** ESM-only dependencies that jest must turn into CommonJS; Node itself can require() them. */
const esmOnly = ['execa', 'get-stream', 'figures', 'is-plain-obj', 'is-stream', 'npm-run-path', 'path-key', 'human-signals', 'parse-ms', 'pretty-ms', 'strip-final-newline', 'is-unicode-supported', 'unicorn-magic', 'yoctocolors', '@sindresorhus/merge-streams', '@sec-ant/readable-stream', 'p-limit', 'yocto-queue'];

const transform = {
	transform: { '^.+\\.[jt]sx?$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs', ignoreDynamic: false } }] },
	transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
	modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/test/n8n/'],
};

/** @param {string} name @param {string} globs */
const project = (name, extra = {}) => ({
	displayName: name,
	testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
	testEnvironment: 'node',
	...transform,
	...extra,
});

/** @type {import('jest').Config} */
module.exports = {
	projects: [project('unit'), project('nodes'), project('integration'), project('e2e')],
};
