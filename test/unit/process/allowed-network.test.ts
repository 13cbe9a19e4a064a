import { execFile } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isAllowed } from '../../../lib/process/allowed-network';

const run = promisify(execFile);
const module_ = join(__dirname, '../../../lib/process/allowed-network.ts');

test('an entry stands for its host and those below it, at its port', () => {
	const entries = ['s3.example.com:443', '127.0.0.1:9000'];
	for (const wanted of ['s3.example.com:443', 'bucket.s3.example.com:443', '127.0.0.1:9000']) expect(isAllowed(wanted, entries)).toBe(true);
	for (const wanted of ['s3.example.com:80', 'evil-s3.example.com:443', 's3.example.com.evil.net:443', '127.0.0.1:9001', '/run/postgresql/.s.PGSQL.5432']) expect(isAllowed(wanted, entries)).toBe(false);
});

test('in a process of its own: what is named is reached in every way of connecting, all else is refused', async () => {
	const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
	await new Promise((resolve) => server.once('listening', resolve));
	const { port } = server.address() as AddressInfo;
	const script = `
		const { limitNetwork } = require(${JSON.stringify(module_)});
		const net = require('node:net');
		const tryOne = (open) => new Promise((resolve) => { const socket = open(); socket.once('data', () => { socket.destroy(); resolve('reached'); }); socket.once('error', (error) => resolve(error.name)); });
		(async () => {
			const ways = [() => net.connect(${port}, '127.0.0.1'), () => net.connect({ port: ${port}, host: '127.0.0.1' }), () => new net.Socket().connect(${port}, '127.0.0.1'), () => net.connect('/nowhere/socket')];
			limitNetwork('127.0.0.1:${port}');
			for (const way of ways) console.log(await tryOne(way));
			limitNetwork('none');
			for (const way of ways) console.log(await tryOne(way));
		})();`;
	try {
		const { stdout } = await run(process.execPath, ['--import', 'tsx', '-e', script]);
		expect(stdout.trim().split('\n')).toEqual(['reached', 'reached', 'reached', 'NetworkRefusedError', ...Array<string>(4).fill('NetworkRefusedError')]);
	} finally {
		server.close();
	}
});
