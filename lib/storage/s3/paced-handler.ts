import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler';
import { Readable } from 'node:stream';
import type { RateLimit } from './rate-limit';

type Handle = NodeHttpHandler['handle'];

/**
 * Sends the body of a request at a limited pace. It is the last station of a request: by now it is signed and has its length and
 * checksum, all made from the whole body, and only the way in which it enters the socket changes.
 */
export class PacedHandler extends NodeHttpHandler {
	constructor(
		options: NodeHttpHandlerOptions,
		private readonly limit: RateLimit,
	) {
		super(options);
	}

	override async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
		const body: unknown = request.body;
		if (this.limit.unlimited || !ArrayBuffer.isView(body)) return await this.send(request, options);
		const sent = new AbortController();
		const paced = Readable.from(this.limit.pace(new Uint8Array(body.buffer, body.byteOffset, body.byteLength), sent.signal), { objectMode: false });
		// Ended below, when the request is over; nobody is left to be told.
		paced.on('error', () => undefined);
		request.body = paced;
		try {
			return await this.send(request, options);
		} finally {
			sent.abort();
			paced.destroy();
		}
	}

	/** The SDK replaces errors that are not of its own realm's `Error` by a text: then nobody could tell a broken connection any more. */
	private async send(...args: Parameters<Handle>): ReturnType<Handle> {
		try {
			return await super.handle(...args);
		} catch (error) {
			if (error instanceof Error) throw error;
			const { name, message, code } = error as NodeJS.ErrnoException;
			throw Object.assign(new Error(message), { name, code });
		}
	}
}
