import type { JobContext } from '../../core/context';
import type { RedisConnection } from '../connection-settings';
import { replyError } from '../map-error';
import { type RdbKey, type RdbReader, RdbWalker } from '../rdb/walk-rdb';
import { CommandLink } from './command-link';
import type { CheckedRdb } from './restore-keys';
import { readRdb } from './stored-rdb';
import type { TargetServer } from './target-checks';

const PIECE_BYTES = 256 * 1024;

/** Removes the keys and libraries of an RDB from a server, one by one: never anything that somebody else has put there. */
export async function removeRestored(connection: RedisConnection, target: TargetServer, rdb: CheckedRdb, context: JobContext): Promise<void> {
	const link = await CommandLink.open(connection, target.server.address, context.signal);
	try {
		const walker = new RdbWalker(new RemoveCommands(link));
		for await (const chunk of readRdb(rdb.rdb, context, 'Removing what was restored')) {
			for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
				walker.push(chunk.subarray(at, at + PIECE_BYTES));
				await link.flush();
			}
		}
		await link.flush(true);
	} finally {
		link.close();
	}
}

class RemoveCommands implements RdbReader {
	private database = 0;

	constructor(private readonly link: CommandLink) {}

	beginKey({ database, key }: RdbKey): void {
		if (database !== this.database) this.send('choosing a database', ['SELECT', String(database)]);
		this.database = database;
		this.send('removing what was restored', ['UNLINK', key]);
	}

	library(code: Buffer): void {
		const name = /^#!\S+\s+name=([A-Za-z0-9_]+)/.exec(code.toString('latin1', 0, 1000))?.[1];
		if (name !== undefined) this.send('removing a library of functions', ['FUNCTION', 'DELETE', name]);
	}

	value(): void {
		// Only its name matters here.
	}

	endKey(): void {
		// Only its name matters here.
	}

	private send(doing: string, args: readonly (string | Buffer)[]): void {
		this.link.command(args, (reply) => {
			if (reply.startsWith('-')) throw replyError(reply, this.link.address, doing);
		});
	}
}
