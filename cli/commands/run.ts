import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { outputOptions } from '../options';
import { resolveSecrets } from '../secrets';
import { UsageError } from '../usage-error';

export const run: Command = {
	name: 'run',
	summary: 'Run any job, given as a JSON file ("-" for standard input).',
	usage:
		'backup-recovery run JOB.json [--json]\n' +
		'    A value in the file may be {"fromEnvironment": "NAME"} or {"fromFile": "/path"} to keep secrets out of it.',
	options: { ...outputOptions },
	async run(_values, positionals, world) {
		const [path] = positionals;
		if (path === undefined || positionals.length !== 1) throw new UsageError('Name one job file, or "-" for standard input.');
		const result = await runJob(checkJob(await resolveSecrets(await readJob(path, world.stdin), world)), world.runOptions);
		return { result, text: JSON.stringify(result, null, 2) };
	},
};

async function readJob(path: string, stdin: NodeJS.ReadableStream): Promise<unknown> {
	let content: string;
	try {
		content = path === '-' ? await text(stdin) : await readFile(path, 'utf8');
	} catch (error) {
		throw new UsageError(`The job file ${path} cannot be read: ${(error as Error).message}`);
	}
	try {
		return JSON.parse(content);
	} catch {
		throw new UsageError(`The job file ${path} is not valid JSON.`);
	}
}
