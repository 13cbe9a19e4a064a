import { createServer, request as forward, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';

/** A request on its way to the server. */
export interface ProxiedRequest {
	/** Counted from 1. */
	readonly number: number;
	readonly method: string;
	readonly path: string;
	readonly query: URLSearchParams;
	readonly headers: IncomingHttpHeaders;
	/** What it does, e.g. `UploadPart`. */
	readonly action: string;
}

/** What goes wrong with a request. */
export type NetworkFault =
	/** The server never sees it; the answer is an error of S3. */
	| { readonly kind: 'answer'; readonly status: number; readonly code: string }
	/** The connection breaks before anything arrives. */
	| { readonly kind: 'refuse' }
	/** The connection breaks in the middle of the request's body: the server gets half of it. */
	| { readonly kind: 'cut upload' }
	/** The server does it, but the answer is lost. */
	| { readonly kind: 'lose answer' }
	/** The answer breaks off after so many bytes of its body. */
	| { readonly kind: 'cut answer'; readonly after: number }
	/** Nothing comes back, and the connection stays open. */
	| { readonly kind: 'hang' }
	/** The answer stops after so many bytes of its body, and the connection stays open. */
	| { readonly kind: 'hang in answer'; readonly after: number }
	/** A bit of an object's bytes changes on its way. */
	| { readonly kind: 'flip' };

export interface S3Proxy {
	readonly endpoint: string;
	/** All requests so far. */
	readonly requests: ProxiedRequest[];
	/** Decides what goes wrong; undefined: nothing. */
	fault: (request: ProxiedRequest) => NetworkFault | undefined;
	/** Forgets all requests; counting begins anew, and nothing goes wrong. */
	reset(): void;
	stop(): Promise<void>;
}

/** Stands before a real S3 server and lets go wrong what the test says. With `tls` it serves TLS with that certificate. */
export async function startS3Proxy(target: { readonly port: number }, tls?: { readonly key: string; readonly cert: string }): Promise<S3Proxy> {
	const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
		handle(proxy, target.port, incoming, outgoing).catch(() => incoming.socket.destroy());
	};
	const server: Server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('no address');
	const proxy: S3Proxy = {
		endpoint: `${tls ? 'https' : 'http'}://${tls ? 'localhost' : '127.0.0.1'}:${address.port}`,
		requests: [],
		fault: () => undefined,
		reset: () => {
			proxy.requests.length = 0;
			proxy.fault = () => undefined;
		},
		stop: async () => {
			const closed = once(server, 'close');
			server.close();
			server.closeAllConnections();
			await closed;
		},
	};
	return proxy;
}

async function handle(proxy: S3Proxy, port: number, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
	const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://any');
	const request: ProxiedRequest = {
		number: proxy.requests.length + 1,
		method: incoming.method ?? '',
		path: pathname,
		query: searchParams,
		headers: incoming.headers,
		action: actionOf(incoming.method ?? '', pathname, searchParams),
	};
	proxy.requests.push(request);
	const fault = proxy.fault(request);
	if (fault?.kind === 'refuse') return void incoming.socket.destroy();
	const body = await buffer(incoming);
	if (fault?.kind === 'cut upload' && body.length === 0) return void incoming.socket.destroy();
	if (fault?.kind === 'hang') return;
	if (fault?.kind === 'answer') {
		outgoing.writeHead(fault.status, { 'content-type': 'application/xml', connection: 'close' });
		outgoing.end(request.method === 'HEAD' ? undefined : `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>on purpose</Message></Error>`);
		return;
	}
	if (fault?.kind === 'flip' && request.method === 'PUT') body.writeUInt8(body.readUInt8(body.length >> 1) ^ 1, body.length >> 1);

	const passed = forward({ host: '127.0.0.1', port, method: incoming.method, path: incoming.url, headers: incoming.headers, agent: false });
	passed.on('error', () => incoming.socket.destroy());
	if (fault?.kind === 'cut upload') {
		passed.write(body.subarray(0, body.length >> 1), () => {
			passed.destroy();
			incoming.socket.destroy();
		});
		return;
	}
	passed.end(body);
	const [answer] = (await once(passed, 'response')) as [IncomingMessage];
	if (fault?.kind === 'lose answer') {
		answer.resume();
		await once(answer, 'end');
		incoming.socket.destroy();
		return;
	}
	outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
	if (fault?.kind !== 'cut answer' && fault?.kind !== 'hang in answer') return void answer.pipe(outgoing);
	const whole = await buffer(answer);
	outgoing.write(whole.subarray(0, fault.after), () => {
		if (fault.kind === 'cut answer') incoming.socket.destroy();
	});
}

function actionOf(method: string, path: string, query: URLSearchParams): string {
	const key = path.split('/').length > 2 && !path.endsWith('/');
	switch (method) {
		case 'POST':
			return query.has('uploads') ? 'CreateMultipartUpload' : query.has('uploadId') ? 'CompleteMultipartUpload' : 'POST';
		case 'PUT':
			return query.has('partNumber') ? 'UploadPart' : key ? 'PutObject' : 'PUT';
		case 'DELETE':
			return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
		case 'HEAD':
			return 'HeadObject';
		default:
			if (query.has('uploads')) return 'ListMultipartUploads';
			if (query.has('uploadId')) return 'ListParts';
			if (query.has('retention')) return 'GetObjectRetention';
			if (query.has('object-lock')) return 'GetObjectLockConfiguration';
			return key && !query.has('list-type') ? 'GetObject' : 'ListObjects';
	}
}
