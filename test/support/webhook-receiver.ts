import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Takes what is sent to it, and answers as Slack does. */
export class WebhookReceiver {
	/** Bodies of POSTs, in the order in which they came. */
	readonly posts: { readonly headers: Readonly<Record<string, unknown>>; readonly body: { readonly text: string } & Record<string, unknown> }[] = [];
	/** Paths of GETs. */
	readonly gets: string[] = [];
	/** As its API answers, or as its incoming webhooks do. */
	answer: 'json' | 'ok' = 'json';

	private constructor(private readonly server: Server) {}

	static async start(): Promise<WebhookReceiver> {
		const server = createServer();
		const receiver = new WebhookReceiver(server);
		server.on('request', (request, response) => {
			const chunks: Buffer[] = [];
			request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
				if (request.method === 'GET') receiver.gets.push(request.url ?? '');
				else receiver.posts.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as { text: string } });
				if (receiver.answer === 'ok') response.setHeader('content-type', 'text/html').end('ok');
				else response.setHeader('content-type', 'application/json').end('{"ok":true}');
			});
		});
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		return receiver;
	}

	get url(): string {
		return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
	}

	async stop(): Promise<void> {
		this.server.closeAllConnections();
		this.server.close();
		await once(this.server, 'close');
	}
}
