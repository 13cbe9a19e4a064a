import type { ParseArgsConfig } from 'node:util';
import type { ProgressReporter } from '../lib/core/progress';
import type { RunJobOptions } from '../lib/jobs/run-job';
import type { OptionValues } from './options';
import type { SecretSources } from './secrets';

/** What a command may use of the world. */
export interface CommandWorld extends SecretSources {
	readonly runOptions: RunJobOptions & { readonly onProgress: ProgressReporter };
}

/** A finished command: `result` for `--json`, `text` for people. */
export interface CommandOutcome {
	readonly result: unknown;
	readonly text: string;
	/** What the process ends with; 0 when left out. */
	readonly exitCode?: number;
}

/** One subcommand of the command line. */
export interface Command {
	readonly name: string;
	readonly summary: string;
	readonly usage: string;
	/** What the process ends with when the job failed or the command line is wrong, where 1 and 2 have another meaning. */
	readonly failureExitCode?: number;
	readonly options: NonNullable<ParseArgsConfig['options']>;
	run(values: OptionValues, positionals: string[], world: CommandWorld): Promise<CommandOutcome>;
}
