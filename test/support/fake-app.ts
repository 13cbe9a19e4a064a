import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An app that is told to stop and to start, and asked whether it works. */
export class FakeApp {
	/** What it was told, in order. */
	readonly told: string[] = [];
	/** What answers with an error for now. */
	broken: string | undefined;
	/** What questions wait for before they are answered. */
	hold: Promise<void> | undefined;

	private constructor(
		private readonly server: Server,
		readonly url: string,
	) {}

	/** @param works whether the app finds what it needs when it is asked */
	static async start(works: () => Promise<boolean>): Promise<FakeApp> {
		const server = createServer();
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const app = new FakeApp(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
		server.on('request', (request, response) => {
			request.resume();
			const what = `${request.method} ${request.url}`;
			void (async () => {
				if (request.method === 'GET') await app.hold;
				const good = app.broken !== request.url && (request.method === 'POST' || (await works().catch(() => false)));
				if (good) app.told.push(what);
				response.writeHead(good ? 200 : 500).end(good ? 'fine' : 'broken');
			})();
		});
		return app;
	}

	async stop(): Promise<void> {
		await new Promise((resolve) => this.server.close(resolve));
	}
}
