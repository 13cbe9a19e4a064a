import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { root } from './setup/project.mjs';
import { countJestResults } from './jest-results.mjs';

/**
 * Runs a command's steps one after the other and stops at the first that fails.
 * `extraArgs` are added to the last step.
 * @returns the exit code for the whole command
 */
export async function runSteps(steps, extraArgs) {
	const folder = mkdtempSync(join(tmpdir(), 'backup-recovery-command-'));
	const times = [];
	const resultFiles = [];
	try {
		let code = 0;
		for (const [index, step] of steps.entries()) {
			const resultFile = join(folder, `${index}.json`);
			if (step.jest !== undefined) resultFiles.push(resultFile);
			const argv = step.run ?? ['jest', '--selectProjects', ...step.jest, '--json', '--outputFile', resultFile];
			const extra = index === steps.length - 1 ? extraArgs : [];
			const several = steps.length > 1;
			if (several) console.log(`\n=== ${step.title}`);
			const started = Date.now();
			const codes = await Promise.all([run([...argv, ...extra], step), ...(step.beside ?? []).map((other) => run(other, {}))]);
			code = codes.find((each) => each !== 0) ?? 0;
			const outcome = `${step.title}: ${code === 0 ? 'passed' : `FAILED (exit code ${code})`} after ${((Date.now() - started) / 1000).toFixed(1)} s`;
			times.push(outcome);
			if (several) console.log(`=== ${outcome}`);
			if (code !== 0) break;
		}
		if (steps.some((step) => step.jest !== undefined)) {
			const { passed, failed } = countJestResults(resultFiles);
			if (steps.length > 1) console.log(`\n${times.join('\n')}`);
			// What fails outside a test (the linter, a step that never came to its tests) is a failure too.
			console.log(`\n${passed} passed, ${code === 0 ? failed : Math.max(failed, 1)} failed`);
		}
		return code;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** Runs one program of `node_modules/.bin`, passes Ctrl-C and SIGTERM on to it, and yields its exit code. */
async function run([program, ...args], { jest, env: added }) {
	const env = { ...process.env, ...added, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) };
	// jest repeats its JSON on stdout; what people read goes to stderr.
	const child = spawn(program, args, { cwd: root, env, stdio: ['inherit', jest !== undefined ? 'ignore' : 'inherit', 'inherit'] });
	// A terminal sends Ctrl-C to the child by itself: here it only must not end us before the child has cleaned up.
	const ignoreInterrupt = () => undefined;
	const passOn = () => child.kill('SIGTERM');
	process.on('SIGINT', ignoreInterrupt).on('SIGTERM', passOn);
	try {
		return await new Promise((resolve, reject) => {
			child.once('error', reject);
			child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
		});
	} finally {
		process.off('SIGINT', ignoreInterrupt).off('SIGTERM', passOn);
	}
}
