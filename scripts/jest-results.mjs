import { existsSync, readFileSync } from 'node:fs';

/** Sums the tests of jest's `--json` files. A test file that could not run at all counts as one failed test; a file is missing when jest did not come to its end. */
export function countJestResults(files) {
	let passed = 0;
	let failed = 0;
	for (const file of files) {
		if (!existsSync(file)) continue;
		const results = JSON.parse(readFileSync(file, 'utf8'));
		passed += results.numPassedTests;
		failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
	}
	return { passed, failed };
}
