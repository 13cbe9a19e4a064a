import { Readable } from 'node:stream';
import { abortError } from '../../core/abortable';
import type { RateLimit } from './rate-limit';
import { type RetryContext, waitBefore } from './retry';
import { isTransient } from './transient';

/** An object, or the rest of it, as the server begins to send it. */
export interface OpenedObject {
	readonly body: Readable;
	/** How many bytes the body will have. */
	readonly bytes: number;
	/** What tells this content from any other that the key may get. */
	readonly etag: string | undefined;
}

export interface ObjectReaderOptions {
	readonly first: OpenedObject;
	/** Position of the first byte in the object. */
	readonly start: number;
	/** Opens it again from a position, as long as its content is still the same. */
	readonly reopen: (start: number, etag: string | undefined, signal: AbortSignal) => Promise<OpenedObject>;
	readonly limit: RateLimit;
	readonly signal: AbortSignal;
	/** Without its signal: reading has one of its own. */
	readonly retry: Omit<RetryContext, 'signal'>;
	readonly mapError: (error: unknown) => Error;
}

/**
 * Reads an object to its end, also over connections that break: it goes on from where it stopped. A break is counted against the
 * allowed attempts only while nothing arrives, for a reader that pauses for minutes may find its connection closed each time.
 */
export class ObjectReader extends Readable {
	private readonly ended = new AbortController();
	private readonly signal: AbortSignal;
	private readonly onAbort: () => void;
	private body: AsyncIterator<Buffer>;
	private current: Readable;
	private readonly total: number;
	private received = 0;
	private attempt = 1;
	private wanted = false;
	private pumping = false;

	constructor(private readonly options: ObjectReaderOptions) {
		super({ highWaterMark: 512 * 1024 });
		this.signal = AbortSignal.any([options.signal, this.ended.signal]);
		this.onAbort = () => this.destroy(abortError(options.signal));
		this.total = options.first.bytes;
		this.current = options.first.body;
		this.body = iterate(options.first.body);
		if (options.signal.aborted) this.onAbort();
		else options.signal.addEventListener('abort', this.onAbort, { once: true });
	}

	override _read(): void {
		this.wanted = true;
		if (this.pumping) return;
		this.pumping = true;
		this.pump().catch((error: unknown) => this.destroy(this.options.mapError(error)));
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.options.signal.removeEventListener('abort', this.onAbort);
		this.ended.abort();
		this.current.destroy();
		callback(error);
	}

	/** Hands chunks on until the consumer has enough. */
	private async pump(): Promise<void> {
		while (this.wanted) {
			const chunk = await this.next();
			if (chunk !== undefined) await this.options.limit.take(chunk.length, this.signal);
			if (this.destroyed) return;
			this.received += chunk?.length ?? 0;
			this.attempt = 1;
			this.wanted = false;
			if (this.push(chunk ?? null)) this.wanted = true;
		}
		this.pumping = false;
	}

	private async next(): Promise<Buffer | undefined> {
		for (;;) {
			let problem: unknown;
			try {
				const step = await this.body.next();
				if (!step.done) return step.value;
				if (this.received >= this.total) return undefined;
				problem = Object.assign(new Error(`the answer ended after ${this.received} of ${this.total} bytes`), { code: 'ECONNRESET' });
			} catch (error) {
				problem = error;
			}
			await this.goOn(problem);
		}
	}

	private async goOn(problem: unknown): Promise<void> {
		const { first, start, reopen, retry } = this.options;
		this.current.destroy();
		if (this.signal.aborted || !isBroken(problem) || this.attempt >= retry.policy.attempts) throw problem;
		await waitBefore(this.attempt, { ...retry, signal: this.signal });
		this.attempt += 1;
		const opened = await reopen(start + this.received, first.etag, this.signal);
		this.current = opened.body;
		this.body = iterate(opened.body);
	}
}

/** An answer that breaks off has no status; Node has several words for it. */
function isBroken(error: unknown): boolean {
	const code = (error as { code?: unknown } | undefined)?.code;
	return isTransient(error) || (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE|HPE_)/.test(code));
}

function iterate(body: Readable): AsyncIterator<Buffer> {
	// It may break while nobody reads; the next read then tells.
	body.on('error', () => undefined);
	return (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
}
