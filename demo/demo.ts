import { setTimeout as sleep } from 'node:timers/promises';
import { OWNER } from '../test/support/n8n-rest';
import { CleanUp } from './clean-up';
import { playLoop } from './loop';
import { Progress } from './progress';
import { formatTable } from './report';
import { buildStage, type Stage } from './stage';

/** How long an interrupted step may take to notice that its servers are gone. */
const INTERRUPT_GRACE_MS = 20_000;

/**
 * `npm run demo [-- --exit --s3]`: the whole loop on throwaway servers; with `--exit` it ends by itself, with 0 only when everything matched;
 * with `--s3` the third place for backups is a real S3 server.
 */
async function main(args: readonly string[]): Promise<number> {
	const unknown = args.filter((arg) => !['--exit', '--s3'].includes(arg));
	if (unknown.length > 0) {
		process.stderr.write(`Unknown option: ${unknown.join(' ')}. There are --exit and --s3.\n`);
		return 2;
	}
	const cleanUp = new CleanUp();
	const interrupted = untilInterrupted();
	const play = playAll(cleanUp, args.includes('--s3'));
	try {
		const ended = await Promise.race([play, interrupted]);
		if (ended === 'interrupted') return 130;
		if (!args.includes('--exit')) {
			invite(ended.stage);
			await interrupted;
		}
		return ended.matched ? 0 : 1;
	} catch (error) {
		process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
		return 1;
	} finally {
		process.stdout.write('\nStopping the servers and removing their files …\n');
		await cleanUp.run();
		// A step that was interrupted ends because its servers are gone, and may have left something more to undo.
		await Promise.race([play.catch(() => undefined), sleep(INTERRUPT_GRACE_MS, undefined, { ref: false })]);
		await cleanUp.run();
	}
}

/** Resolves at the first Ctrl-C or SIGTERM; later ones do not cut the clean-up short. */
function untilInterrupted(): Promise<'interrupted'> {
	return new Promise((resolve) => {
		for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('interrupted'));
	});
}

async function playAll(cleanUp: CleanUp, withS3: boolean): Promise<{ stage: Stage; matched: boolean }> {
	const progress = new Progress();
	try {
		const stage = await buildStage({ progress, cleanUp, withS3 });
		return { stage, matched: await playLoop(stage, progress) };
	} finally {
		process.stdout.write(`\n${formatTable(progress.steps)}\n`);
	}
}

function invite({ n8n }: Stage): void {
	process.stdout.write(`
n8n is still running:
  ${n8n.url}
  email     ${OWNER.email}
  password  ${OWNER.password}
See "Overview" for the workflows and their executions. Ctrl-C ends it and removes everything.
`);
}

void main(process.argv.slice(2)).then(
	(code) => process.exit(code),
	(error: unknown) => {
		console.error(error);
		process.exit(1);
	},
);
