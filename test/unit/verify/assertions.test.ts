import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseAssertions } from '../../../lib/verify/assertions';
import { checkByHttp } from '../../../lib/verify/http-check';
import { failure } from '../../support/failure';

test('assertions are blocks, named by their first line', () => {
	const text = "-- customers are there\nSELECT count(*) > 0\nFROM customers;\n\n  \nSELECT 'a;b -- c' = 'x'\n\n-- nothing but a name\n\r\n\r\n";
	expect(parseAssertions(text)).toEqual([
		{ name: 'customers are there', sql: 'SELECT count(*) > 0\nFROM customers' },
		{ name: "SELECT 'a;b -- c' = 'x'", sql: "SELECT 'a;b -- c' = 'x'" },
	]);
	expect(parseAssertions(' \n\n ')).toEqual([]);
});

describe('the HTTP check', () => {
	let server: Server;
	let url: string;
	let status = 200;
	let hang = false;
	const seen: string[] = [];
	beforeAll(async () => {
		server = createServer((request, response) => {
			let body = '';
			request.on('data', (chunk: Buffer) => (body += chunk.toString()));
			request.on('end', () => {
				seen.push(body);
				if (!hang) response.writeHead(status, { location: '/elsewhere' }).end('x');
			});
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/drill?token=secret`;
	});
	afterAll(() => {
		server.closeAllConnections();
		server.close();
	});
	const ask = ({ place = url, timeoutSeconds = 30 } = {}) => checkByHttp({ url: place, body: { database: 'drill_1' }, timeoutSeconds, signal: new AbortController().signal });

	test('is told what to look at', async () => {
		await expect(ask()).resolves.toMatch(/^The HTTP check http:\/\/127\.0\.0\.1:\d+\/drill answered 200\.$/);
		expect(seen).toEqual(['{"database":"drill_1"}']);
	});

	test.each([302, 404, 500])('fails with %d, without showing what may be secret', async (answer) => {
		status = answer;
		const error = await failure(ask());
		expect(error).toMatchObject({ code: 'ASSERTION_FAILED', message: expect.stringContaining(`answered ${answer}`) });
		expect(JSON.stringify(error.toJSON())).not.toContain('secret');
	});

	test('fails where nobody answers in time, or at all', async () => {
		hang = true;
		expect((await failure(ask({ timeoutSeconds: 0.3 }))).message).toContain('did not answer within 0.3 seconds');
		expect((await failure(ask({ place: 'http://127.0.0.1:1/' }))).message).toContain('could not be reached');
		expect(await failure(ask({ place: 'file:///etc/passwd' }))).toMatchObject({ code: 'INVALID_INPUT' });
	});
});
