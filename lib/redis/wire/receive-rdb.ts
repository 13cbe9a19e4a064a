import type { ProgressReporter } from '../../core/progress';
import { BackupError } from '../../core/errors';
import { describeAddress, type RedisAddress, type RedisConnection } from '../connection-settings';
import { replyError } from '../map-error';
import { endMark, markedPayload, sizedPayload } from './payload';
import { RedisSocket } from './redis-socket';

export interface ReceiveOptions {
	readonly connection: RedisConnection;
	readonly address: RedisAddress;
	readonly signal: AbortSignal;
	readonly progress: ProgressReporter;
}

/** How the master sent its snapshot. */
export interface Transfer {
	/** `diskless`: while it was made. `disk`: from a file that the master had written. */
	readonly framing: 'diskless' | 'disk';
	readonly bytes: AsyncGenerator<Buffer, void, void>;
}

/**
 * Has a server send a snapshot of its data as it would to a new replica, and hands the bytes of the RDB to `use`; the connection ends with it.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ and `syncCommand` of `replication.c`.
 * @throws BackupError `SERVER_VERSION` where the service forbids replication
 */
export async function receiveRdb<T>(options: ReceiveOptions, use: (transfer: Transfer) => Promise<T>): Promise<T> {
	const { connection, address, signal, progress } = options;
	const socket = await RedisSocket.open(connection, address, { signal, doing: 'taking the snapshot' });
	try {
		// `eof`: we can read a payload whose length is not known beforehand. `rdb-only`: no commands after it, and no claim on the backlog (7.0 and newer).
		// Both are wishes: a server that knows neither answers with an error and sends the snapshot all the same.
		await refuse(await socket.command('REPLCONF', 'capa', 'eof'), address);
		await refuse(await socket.command('REPLCONF', 'rdb-only', '1'), address);
		const header = await askForSnapshot(socket, address, progress);
		return await use(readPayload(header, socket, address));
	} finally {
		socket.close();
	}
}

/** Lets errors pass that only say that a wish is not known. */
async function refuse(reply: string, address: RedisAddress): Promise<void> {
	if (!reply.startsWith('-')) return;
	if (/^-(NOAUTH|NOPERM|LOADING|DENIED|BUSY)/.test(reply) || /max number of clients/.test(reply)) throw replyError(reply, address, 'asking for a snapshot');
}

/** SYNC, or PSYNC where somebody has taken SYNC away. @returns the header of the payload */
async function askForSnapshot(socket: RedisSocket, address: RedisAddress, progress: ProgressReporter): Promise<string> {
	const server = describeAddress(address);
	progress({ step: `Waiting for the snapshot of ${server}` });
	const wait = () => socket.lineAfterKeepAlives(() => progress({ step: `${server} is preparing its snapshot` }));
	socket.socket.write('*1\r\n$4\r\nSYNC\r\n');
	let header = await wait();
	if (isForbidden(header)) {
		socket.socket.write('*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n');
		header = await wait();
		if (header.startsWith('+FULLRESYNC')) header = await wait();
	}
	if (isForbidden(header)) throw forbidden(header, server);
	if (header.startsWith('-')) throw replyError(header, address, 'asking for a snapshot');
	return header;
}

function isForbidden(reply: string): boolean {
	return /^-ERR (unknown command|.*not (allowed|supported|permitted)|.*disabled|command .* (is )?not)/i.test(reply);
}

function forbidden(reply: string, server: string): BackupError {
	return new BackupError(
		'SERVER_VERSION',
		`The service at ${server} does not let anybody copy its data by replication: ${reply.slice(1, 200)}`,
		"Managed services often forbid SYNC and PSYNC. Use the service's own snapshots and export them (Amazon ElastiCache: copy-snapshot to S3; Azure and Google: Export), and archive the exported .rdb with Archive Files.",
	);
}

function readPayload(header: string, socket: RedisSocket, address: RedisAddress): Transfer {
	const mark = endMark(header);
	if (mark) return { framing: 'diskless', bytes: markedPayload(socket, mark) };
	const length = /^\$(\d{1,15})$/.exec(header)?.[1];
	if (length !== undefined) return { framing: 'disk', bytes: sizedPayload(socket, Number(length)) };
	throw new BackupError('SERVER_ERROR', `Redis at ${describeAddress(address)} answered to SYNC with what no version of Redis does.`, 'See that host and port are those of Redis and not of something else.');
}
