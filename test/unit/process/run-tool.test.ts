import { BackupError } from '../../../lib/core/errors';
import { runTool, streamTool } from '../../../lib/process/run-tool';

const node = process.execPath;
const script = (code: string) => ['-e', code];
const never = new AbortController().signal;

async function failure(work: Promise<unknown>): Promise<BackupError> {
	try {
		await work;
	} catch (error) {
		if (error instanceof BackupError) return error;
		throw error;
	}
	throw new Error('it did not fail');
}

async function collect(source: AsyncIterable<Buffer>, into: Buffer[] = []): Promise<Buffer> {
	for await (const chunk of source) into.push(chunk);
	return Buffer.concat(into);
}

function alive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
	for (const text of texts) yield Buffer.from(text);
}

describe('runTool', () => {
	it('collects stdout and hands on stderr by lines, also the last one without an end', async () => {
		const lines: string[] = [];
		const result = await runTool({
			file: node,
			args: script(`process.stdout.write('zażółć'); process.stderr.write('one\\ntwo'); `),
			signal: never,
			stdout: 'collect',
			onStderrLine: (line) => lines.push(line),
		});
		expect(result.stdout).toBe('zażółć');
		expect(lines).toEqual(['one', 'two']);
	});

	it('fails with the exit code and what the tool said', async () => {
		const error = await failure(
			runTool({ file: node, args: script(`console.error('it is broken'); process.exit(3)`), signal: never, stdout: 'ignore' }),
		);
		expect(error.code).toBe('TOOL_FAILED');
		expect(error.message).toBe('node failed with exit code 3: it is broken');
		expect(error.hint).toContain('Remove their cause');
	});

	it('says who is missing when there is no such program', async () => {
		const error = await failure(runTool({ file: '/nowhere/pg_dump', args: [], signal: never, stdout: 'ignore' }));
		expect(error.code).toBe('CLIENT_MISSING');
		expect(error.message).toContain('/nowhere/pg_dump');
	});

	it('tells a killed tool from a failed one', async () => {
		const error = await failure(
			runTool({ file: node, args: script(`process.kill(process.pid, 'SIGKILL')`), signal: never, stdout: 'ignore' }),
		);
		expect(error.message).toBe('node was ended by SIGKILL.');
		expect(error.hint).toContain('memory');
	});

	it('feeds stdin and waits for the tool to have taken it', async () => {
		const result = await runTool({
			file: node,
			args: script(`process.stdin.pipe(process.stdout)`),
			signal: never,
			stdout: 'collect',
			stdin: chunks('a', 'b', 'c'),
		});
		expect(result.stdout).toBe('abc');
	});

	it('ends the tool and passes the error on when stdin fails', async () => {
		async function* broken(): AsyncGenerator<Uint8Array> {
			yield Buffer.from('a');
			throw new BackupError('ARTIFACT_DAMAGED', 'bad bytes', 'none');
		}
		let pid = 0;
		const error = await failure(
			runTool({
				file: node,
				args: script(`process.stdin.resume(); setInterval(() => {}, 1000)`),
				signal: never,
				stdout: 'ignore',
				stdin: broken(),
				onStart: (id) => (pid = id),
			}),
		);
		expect(error.code).toBe('ARTIFACT_DAMAGED');
		expect(alive(pid)).toBe(false);
	});

	it('does not mind a tool that leaves before it has read all of stdin', async () => {
		async function* endless(): AsyncGenerator<Uint8Array> {
			for (;;) yield Buffer.alloc(65536);
		}
		await expect(
			runTool({ file: node, args: script(`process.exit(0)`), signal: never, stdout: 'ignore', stdin: endless() }),
		).resolves.toBeDefined();
	});

	it('ends a tool on abort with the reason of the signal, and has waited for its exit', async () => {
		const controller = new AbortController();
		let pid = 0;
		const running = failure(
			runTool({
				file: node,
				args: script(`setInterval(() => {}, 1000)`),
				signal: controller.signal,
				stdout: 'ignore',
				onStart: (id) => (pid = id),
			}),
		);
		controller.abort(new BackupError('TIMED_OUT', 'too slow', 'none'));
		expect((await running).code).toBe('TIMED_OUT');
		expect(alive(pid)).toBe(false);
	});

	it('kills a tool that ignores SIGTERM', async () => {
		const controller = new AbortController();
		let pid = 0;
		const running = failure(
			runTool({
				file: node,
				args: script(`process.on('SIGTERM', () => {}); process.stderr.write('ready\\n'); setInterval(() => {}, 1000)`),
				signal: controller.signal,
				stdout: 'ignore',
				onStart: (id) => (pid = id),
				onStderrLine: () => controller.abort(),
			}),
		);
		expect((await running).code).toBe('CANCELLED');
		expect(alive(pid)).toBe(false);
	}, 20_000);

	it('gives the tool none of our own environment but what it needs', async () => {
		process.env.PGPASSWORD = 'not for tools';
		process.env.N8N_ENCRYPTION_KEY = 'not for tools either';
		try {
			const { stdout } = await runTool({
				file: node,
				args: script(`console.log(JSON.stringify(process.env))`),
				signal: never,
				stdout: 'collect',
				env: { PGHOST: 'here' },
			});
			const seen = JSON.parse(stdout) as Record<string, string>;
			expect(stdout).not.toContain('not for tools');
			expect(seen).toMatchObject({ PGHOST: 'here', LC_ALL: 'C', PATH: process.env.PATH });
		} finally {
			delete process.env.PGPASSWORD;
			delete process.env.N8N_ENCRYPTION_KEY;
		}
	});
});

describe('streamTool', () => {
	it('yields all bytes, then ends', async () => {
		const bytes = await collect(
			streamTool({ file: node, args: script(`process.stdout.write(Buffer.alloc(3_000_000, 7))`), signal: never }),
		);
		expect(bytes.length).toBe(3_000_000);
	});

	it('ends with an error, not normally, when the tool fails after its last byte', async () => {
		const got: Buffer[] = [];
		const error = await failure(
			collect(
				streamTool({
					file: node,
					args: script(`process.stdout.write('looks fine', () => { console.error('but no'); process.exitCode = 1; })`),
					signal: never,
				}),
				got,
			),
		);
		expect(Buffer.concat(got).toString()).toBe('looks fine');
		expect(error.message).toContain('but no');
	});

	it('ends with an error when the tool is killed half way', async () => {
		const error = await failure(
			(async () => {
				let pid = 0;
				let seen = 0;
				const source = streamTool({
					file: node,
					args: script(`setInterval(() => process.stdout.write('x'), 5)`),
					signal: never,
					onStart: (id) => (pid = id),
				});
				for await (const chunk of source) {
					seen += chunk.length;
					if (seen === 3) process.kill(pid, 'SIGKILL');
				}
			})(),
		);
		expect(error.code).toBe('TOOL_FAILED');
	});

	it('has ended the tool when a reader stops early', async () => {
		let pid = 0;
		const source = streamTool({
			file: node,
			args: script(`setInterval(() => process.stdout.write('x'.repeat(100000)), 1)`),
			signal: never,
			onStart: (id) => (pid = id),
		});
		for await (const chunk of source) if (chunk.length > 0) break;
		expect(alive(pid)).toBe(false);
	});

	it('does not let the tool run ahead of a slow reader', async () => {
		let reported = 0;
		const source = streamTool({
			file: node,
			args: script(
				`let n = 0; const go = () => { n++; process.stderr.write(n + '\\n'); process.stdout.write(Buffer.alloc(1_000_000), n < 50 ? go : undefined); }; go();`,
			),
			signal: never,
			onStderrLine: (line) => (reported = Number(line)),
		});
		const first = await source.next();
		expect(first.done).toBe(false);
		await new Promise((resolve) => setTimeout(resolve, 300));
		expect(reported).toBeLessThan(5);
		await source.return();
	});
});
