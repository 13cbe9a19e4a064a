import { type ChildProcess, spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { abortError } from '../core/abortable';
import { BackupError, throwIfAborted } from '../core/errors';
import { LineSplitter } from './line-splitter';
import { toolEnvironment } from './tool-environment';

/** After SIGTERM, the time that a tool has to tell its server and leave before SIGKILL. */
const KILL_AFTER_MS = 5_000;
const KEPT_STDERR_LINES = 20;
const MOST_COLLECTED_BYTES = 16 * 1024 * 1024;

export interface ToolOptions {
	/** Path or name of the program; never run by a shell. */
	readonly file: string;
	/** Holds no secrets: anyone on the machine can read a process's arguments. */
	readonly args: readonly string[];
	/** Added to the little that a tool gets anyway (see `tool-environment.ts`). */
	readonly env?: Readonly<Record<string, string>>;
	/** Ends the tool: SIGTERM, and SIGKILL when it does not leave. */
	readonly signal: AbortSignal;
	/** Fed to the tool; when it fails, the tool is ended and the error goes on to the caller. */
	readonly stdin?: AsyncIterable<Uint8Array>;
	readonly onStderrLine?: (line: string) => void;
	readonly cwd?: string;
	/** Told the process id once it runs. */
	readonly onStart?: (pid: number) => void;
}

export interface ToolResult {
	/** What the tool wrote to stdout (UTF-8), when it was collected. */
	readonly stdout: string;
	/** The last lines of stderr. */
	readonly stderr: readonly string[];
}

/**
 * Runs a tool to its end. Resolves only once it has exited with code 0.
 * @throws BackupError `TOOL_FAILED` with the last lines of stderr, `CLIENT_MISSING` when the program is not there,
 *   `CANCELLED` (or the signal's reason), or what `stdin` failed with; the tool has exited by then
 */
export async function runTool(options: ToolOptions & { readonly stdout: 'ignore' | 'collect' }): Promise<ToolResult> {
	const tool = start(options, options.stdout === 'collect' ? 'pipe' : 'ignore');
	const chunks: Buffer[] = [];
	let collected = 0;
	tool.stdout?.on('data', (chunk: Buffer) => {
		collected += chunk.length;
		if (collected <= MOST_COLLECTED_BYTES) chunks.push(chunk);
	});
	await tool.finished();
	if (collected > MOST_COLLECTED_BYTES) {
		throw new BackupError(
			'INTERNAL',
			`${basename(options.file)} wrote ${collected} bytes where a short answer was expected.`,
			'Report this as a bug.',
		);
	}
	return { stdout: Buffer.concat(chunks).toString('utf8'), stderr: tool.stderr };
}

/**
 * Runs a tool and yields what it writes to stdout. The last chunk is followed by an error, never by a normal end, unless the
 * tool has exited with code 0; so what was made of the bytes can be thrown away. A reader that stops early ends the tool.
 * @throws as `runTool`
 */
export async function* streamTool(options: ToolOptions): AsyncGenerator<Buffer, void, void> {
	const tool = start(options, 'pipe');
	let ended = false;
	try {
		for await (const chunk of tool.stdout as Readable) yield chunk as Buffer;
		ended = true;
	} finally {
		if (!ended) {
			tool.kill();
			await tool.exited();
		}
	}
	await tool.finished();
}

interface RunningTool {
	readonly stdout: Readable | null;
	readonly stderr: string[];
	kill(): void;
	/** Resolves at exit with code 0, rejects otherwise. */
	finished(): Promise<void>;
	/** Resolves at exit, however that came about. */
	exited(): Promise<void>;
}

function start(options: ToolOptions, stdout: 'pipe' | 'ignore'): RunningTool {
	throwIfAborted(options.signal);
	const child = spawn(options.file, options.args, {
		cwd: options.cwd,
		env: toolEnvironment(process.env, options.env ?? {}),
		stdio: [options.stdin ? 'pipe' : 'ignore', stdout, 'pipe'],
		shell: false,
		windowsHide: true,
	});
	if (child.pid !== undefined) options.onStart?.(child.pid);

	const stderr: string[] = [];
	const lines = new LineSplitter((line) => {
		stderr.push(line);
		if (stderr.length > KEPT_STDERR_LINES) stderr.shift();
		options.onStderrLine?.(line);
	});
	child.stderr?.on('data', (chunk: Buffer) => lines.push(chunk));
	// An error of the pipe itself ends it; whether the tool did its work, its exit code tells.
	child.stderr?.on('error', () => undefined);

	let force: NodeJS.Timeout | undefined;
	const stopper = new AbortController();
	const stop = () => {
		if (stopper.signal.aborted) return;
		stopper.abort();
		child.kill('SIGTERM');
		force = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
	};
	options.signal.addEventListener('abort', stop, { once: true });

	let inputError: { readonly reason: unknown } | undefined;
	const fed = options.stdin && child.stdin ? pipeline(options.stdin, child.stdin, { signal: stopper.signal }) : Promise.resolve();
	const inputEnded = fed.catch((error: unknown) => {
		// A tool that has what it needs, or has failed, closes its end: its exit code tells which.
		const { code } = error as NodeJS.ErrnoException;
		if (stopper.signal.aborted || code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') return;
		inputError = { reason: error };
		stop();
	});

	const outcome = Promise.all([exitOf(child, stdout === 'pipe'), inputEnded]).then(([exit]) => {
		clearTimeout(force);
		options.signal.removeEventListener('abort', stop);
		lines.end();
		return exit;
	});

	const finished = async (): Promise<void> => {
		const exit = await outcome;
		if (options.signal.aborted) throw abortError(options.signal);
		if (inputError) throw inputError.reason;
		if (exit.code === 0) return;
		throw exit.startError ? cannotRun(options.file, exit.startError) : toolFailure(options.file, exit, stderr);
	};
	return { stdout: child.stdout, stderr, kill: stop, finished, exited: async () => void (await outcome) };
}

interface Exit {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	/** It never ran. */
	readonly startError?: NodeJS.ErrnoException;
}

/**
 * Waits for the exit and for all of stderr. Not for stdout where it is streamed: an early reader's end leaves it unread, and
 * a grandchild that inherited it may keep it open.
 */
function exitOf(child: ChildProcess, streaming: boolean): Promise<Exit> {
	return new Promise((resolve) => {
		child.once('error', (startError) => {
			if (child.pid === undefined) resolve({ code: null, signal: null, startError });
		});
		if (!streaming) {
			child.once('close', (code, signal) => resolve({ code, signal }));
			return;
		}
		let exit: Exit | undefined;
		let stderrEnded = false;
		const settle = () => {
			if (exit && stderrEnded) resolve(exit);
		};
		child.stderr?.once('close', () => {
			stderrEnded = true;
			settle();
		});
		child.once('exit', (code, signal) => {
			exit = { code, signal };
			settle();
		});
	});
}

function cannotRun(file: string, error: NodeJS.ErrnoException): BackupError {
	return new BackupError(
		'CLIENT_MISSING',
		`${file} cannot be run (${error.code}).`,
		`Install ${basename(file)}, or name the folder that holds it.`,
		{ cause: error },
	);
}

function toolFailure(file: string, exit: Exit, stderr: readonly string[]): BackupError {
	const name = basename(file);
	const how = exit.signal ? `was ended by ${exit.signal}` : `failed with exit code ${exit.code ?? 'unknown'}`;
	const said = stderr.filter((line) => line.trim() !== '').join('\n');
	return new BackupError('TOOL_FAILED', said === '' ? `${name} ${how}.` : `${name} ${how}: ${said}`, toolHint(name, exit.signal));
}

function toolHint(name: string, signal: NodeJS.Signals | null): string {
	if (signal === 'SIGKILL')
		return `Something killed ${name}: look for a lack of memory on this machine (the kernel's log, the container's limit), then run the job again.`;
	if (signal !== null) return `Something ended ${name} from outside. Run the job again.`;
	return `The lines above come from ${name}. Remove their cause, then run the job again.`;
}
