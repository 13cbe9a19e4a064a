import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../test/support/postgres-server';
import { benchmarkDump } from './dump';
import { benchmarkEventLoop } from './event-loop';
import { benchmarkFiles } from './files';
import { benchmarkPhysical } from './physical';
import { benchmarkRedis } from './redis';
import { benchmarkRestore } from './restore';
import { benchmarkS3 } from './s3';
import { benchmarkWal } from './wal';

const DATABASE = 'benchmark';
const benchmarks = { dump: benchmarkDump, restore: benchmarkRestore, 'event-loop': benchmarkEventLoop };
/** Those that need no database. */
const alone = { physical: benchmarkPhysical, wal: benchmarkWal, redis: benchmarkRedis, s3: benchmarkS3, files: (rounds: number) => benchmarkFiles(rounds), 'files-smoke': (rounds: number) => benchmarkFiles(rounds, 'smoke') };

/** `npm run bench [-- dump|restore|event-loop|physical|wal|redis|s3|files ...] [rounds]`: all of them, five rounds, unless told otherwise. */
async function main(args: string[]): Promise<void> {
	const rounds = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 5);
	const chosen = args.filter((arg) => !/^\d+$/.test(arg));
	const unknown = chosen.filter((name) => !(name in benchmarks) && !(name in alone));
	if (unknown.length > 0) throw new Error(`There is no benchmark "${unknown.join('", "')}"; there are: ${Object.keys({ ...benchmarks, ...alone }).join(', ')}.`);

	for (const [name, benchmark] of Object.entries(alone)) {
		if (chosen.length > 0 ? !chosen.includes(name) : name.endsWith('-smoke')) continue;
		process.stderr.write(`${name}:\n`);
		await benchmark(rounds);
	}
	if (chosen.length > 0 && !chosen.some((name) => name in benchmarks)) return;

	process.stderr.write('Building a database of about 1.2 GB …\n');
	const server = await startPostgres({ settings: { max_wal_size: '4GB', shared_buffers: '256MB' } });
	try {
		await server.createDatabase(DATABASE);
		await server.query(readFileSync(join(__dirname, 'big-database.sql'), 'utf8'), DATABASE);
		await server.query('CHECKPOINT');
		for (const [name, benchmark] of Object.entries(benchmarks)) {
			if (chosen.length > 0 && !chosen.includes(name)) continue;
			process.stderr.write(`${name}:\n`);
			await benchmark(server, DATABASE, rounds);
		}
	} finally {
		await server.stop();
	}
}

void main(process.argv.slice(2)).catch((error: unknown) => {
	process.stderr.write(`${String(error)}\n`);
	process.exitCode = 1;
});
