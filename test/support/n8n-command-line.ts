import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from './n8n-environment';
import { n8nProgram } from './n8n-process';

const run = promisify(execFile);

/** Runs one command of n8n's own command line beside a running server and yields what it wrote. */
export async function n8nCommand(environment: Readonly<Record<string, string>>, args: readonly string[]): Promise<string> {
	const env = { ...environment, N8N_RUNNERS_BROKER_PORT: String(await freePort()) };
	try {
		const { stdout } = await run(process.execPath, [n8nProgram(), ...args], { env, maxBuffer: 64 * 1024 * 1024 });
		return stdout;
	} catch (error) {
		const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
		throw new Error(`n8n ${args.join(' ')} failed:\n${stdout}\n${stderr}`.trim(), { cause: error });
	}
}
