import { spawn } from 'node:child_process';
import { SetupError } from './setup-error.mjs';

/**
 * Runs a program quietly and shows that it is still at work; its output appears only when it fails.
 * @throws SetupError with what it last wrote
 */
export async function runQuietly(what, file, args, { cwd, env = {} } = {}) {
	const started = Date.now();
	const seconds = () => Math.round((Date.now() - started) / 1000);
	const stopProgress = showProgress(() => `${what} … ${seconds()} s`);
	let output = '';
	const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-6000)));
	const how = await new Promise((resolve) => {
		child.once('error', (error) => resolve(error.message));
		child.once('close', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
	});
	stopProgress();
	if (how !== undefined) throw new SetupError(`${what} failed (${how}):\n${output.trim()}\n\nThe command was: ${[file, ...args].join(' ')}`);
	console.log(`${what}: done in ${seconds()} s`);
}

/** Runs a program and yields whether it succeeded; for questions, not for work. */
export async function succeeds(file, args) {
	const child = spawn(file, args, { stdio: 'ignore' });
	return await new Promise((resolve) => {
		child.once('error', () => resolve(false));
		child.once('close', (code) => resolve(code === 0));
	});
}

/** On a terminal one line that keeps changing, elsewhere a line every 20 seconds. */
function showProgress(line) {
	const terminal = process.stdout.isTTY === true;
	const show = () => process.stdout.write(terminal ? `\r\x1b[K${line()}` : `${line()}\n`);
	show();
	const timer = setInterval(show, terminal ? 1000 : 20_000);
	return () => {
		clearInterval(timer);
		if (terminal) process.stdout.write('\r\x1b[K');
	};
}
