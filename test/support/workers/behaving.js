// A worker for tests of the runner: the name of the database in the job says how it behaves.
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const send = (message) => process.send(message, () => undefined);
let keepAlive;

process.on('message', (message) => {
	if (message.type === 'cancel') {
		if (message.ignored || globalThis.behaviour === 'stubborn') return;
		process.send({ type: 'error', error: message.reason }, () => process.exit(0));
		return;
	}
	globalThis.behaviour = message.job.database;
	fs.writeFileSync(path.join(message.workFolder, 'left-behind.tmp'), 'x');
	switch (message.job.database) {
		case 'succeeds':
			send({ type: 'progress', event: { step: 'half way', done: 1, total: 2 } });
			process.send({ type: 'result', result: { workFolder: message.workFolder, environment: Object.keys(process.env) } }, () => process.exit(0));
			return;
		case 'fails':
			process.send({ type: 'error', error: { code: 'TABLE_NOT_FOUND', message: 'no table', hint: 'look again' } }, () => process.exit(0));
			return;
		case 'crashes':
			process.stderr.write('terrible things\n', () => process.exit(7));
			return;
		case 'starts-a-tool': {
			const tool = spawn('sleep', ['600'], { stdio: 'ignore' });
			send({ type: 'progress', event: { step: `tool ${tool.pid}` } });
			keepAlive = setInterval(() => undefined, 1000);
			return;
		}
		default:
			send({ type: 'progress', event: { step: 'waiting' } });
			keepAlive = setInterval(() => undefined, 1000);
	}
});

process.on('disconnect', () => {
	clearInterval(keepAlive);
	process.exit(0);
});
