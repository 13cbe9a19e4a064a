import { BackupError } from '../../core/errors';
import { formatLsn, type Lsn, parseLsn } from '../replication/lsn';
import type { ReplicationSession, ResultSet } from '../replication/replication-session';

const WAL_DATA = 0x77;
const KEEPALIVE = 0x6b;
const STATUS_UPDATE = 0x72;
/** Start, end and clock; end, clock and whether an answer is wanted. */
const WAL_DATA_HEADER = 24;
const KEEPALIVE_HEADER = 17;
/** By then a server has looked for the log that it is asked for. */
const QUIET_MS = 2000;
/** 2000-01-01 in milliseconds of Unix time: from there the server counts microseconds. */
const EPOCH_MS = 946_684_800_000;

/** Where received WAL goes. */
export interface WalSink {
	/** The next bytes, valid during the call. `sentAt`: the server's clock when it sent them; `serverEnd`: where its log ended then. What it throws ends the session. */
	take(bytes: Buffer, sentAt: Date, serverEnd: Lsn): void;
	/** Up to where it is durable. */
	readonly durable: Lsn;
	/** Makes durable what was taken so far, the open segment too. */
	drain(): Promise<void>;
}

export interface ReceiveOptions {
	readonly session: ReplicationSession;
	readonly slot: string;
	readonly timeline: number;
	/** The start of a segment. */
	readonly start: Lsn;
	/** Stop once this is reached; null: go on until the timeline or the session ends. */
	readonly stopAt: Lsn | null;
	/** How often the server hears of us, and we of it. */
	readonly statusIntervalMs: number;
	/** A server that says nothing for so long, while it is listened to, is given up. */
	readonly silenceMs: number;
	/** Once it is certain that the server has the log from `start` on; never called for a start that fails. */
	readonly onBegin?: () => void;
	readonly now: () => Date;
}

/** The timeline that follows, and where it began; null: we stopped. */
export type NextTimeline = { readonly timeline: number; readonly start: Lsn } | null;

/**
 * Streams the log of one timeline into `sink`. The server is told only of what is durable, so that its slot keeps the rest.
 * @throws BackupError `SERVER_UNREACHABLE` when it falls silent; the driver's errors are not mapped yet
 * https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-START-REPLICATION
 */
export async function receiveTimeline(options: ReceiveOptions, sink: WalSink): Promise<NextTimeline> {
	const { session, slot, timeline, start, stopAt, now } = options;
	const header = Buffer.alloc(WAL_DATA_HEADER);
	let headerBytes = 0;
	let kind = 0;
	let position = start;
	let sentAt = now();
	let serverEnd = start;
	let stopping = false;
	let startedAt = Infinity;
	let begun = false;

	const begin = () => {
		if (!begun) options.onBegin?.();
		begun = true;
	};
	const sendStatus = () => session.send(statusUpdate(position, sink.durable, now()));
	const stop = () => {
		if (stopping) return;
		stopping = true;
		const finish = async () => {
			await sink.drain();
			sendStatus();
			session.endCopy();
		};
		finish().catch((error: unknown) => session.destroy(error));
	};
	let hurrying = false;
	/** A server that shuts down asks, and waits until all that it sent is durable here. */
	const answer = () => {
		sendStatus();
		if (hurrying || stopping || sink.durable === position) return;
		hurrying = true;
		const hurry = async () => {
			await sink.drain();
			hurrying = false;
			sendStatus();
		};
		hurry().catch((error: unknown) => session.destroy(error));
	};
	const openMessage = () => {
		if (kind === KEEPALIVE) {
			// Before its first look for the log a server answers too; long after it, there was nothing to send.
			if (performance.now() - startedAt > QUIET_MS) begin();
			if (header.readUInt8(16) === 1) answer();
			return;
		}
		begin();
		const at = header.readBigUInt64BE(0);
		if (at !== position && !stopping) throw outOfOrder(at, position);
		serverEnd = header.readBigUInt64BE(8);
		sentAt = new Date(EPOCH_MS + Number(header.readBigInt64BE(16) / 1000n));
	};
	const piece = (bytes: Buffer, first: boolean) => {
		let rest = bytes;
		if (first) {
			kind = rest.readUInt8(0);
			headerBytes = 0;
			rest = rest.subarray(1);
		}
		const wanted = kind === WAL_DATA ? WAL_DATA_HEADER : kind === KEEPALIVE ? KEEPALIVE_HEADER : 0;
		if (headerBytes < wanted) {
			const taken = rest.copy(header, headerBytes, 0, wanted - headerBytes);
			headerBytes += taken;
			rest = rest.subarray(taken);
			if (headerBytes === wanted) openMessage();
		}
		if (kind !== WAL_DATA || rest.length === 0 || stopping) return;
		sink.take(rest, sentAt, serverEnd);
		position += BigInt(rest.length);
		if (stopAt !== null && position >= stopAt) stop();
	};

	if (stopAt !== null && start >= stopAt) {
		begin();
		return null;
	}
	const timer = setInterval(sendStatus, options.statusIntervalMs);
	try {
		const sets = await session.copy(`START_REPLICATION SLOT ${slotLiteral(slot)} PHYSICAL ${formatLsn(start)} TIMELINE ${timeline}`, { piece, started: () => (startedAt = performance.now()), done: stop }, { silenceMs: options.silenceMs, atOnce: true });
		return nextTimeline(sets);
	} finally {
		clearInterval(timer);
	}
}

/** Slot names hold lower-case letters, digits and underscores only, so that quoting is all they need. */
export function slotLiteral(slot: string): string {
	return `"${slot.replaceAll('"', '""')}"`;
}

function nextTimeline(sets: readonly ResultSet[]): NextTimeline {
	const set = sets.find(({ fields }) => fields.includes('next_tli'));
	const [timeline, start] = set?.rows[0] ?? [];
	return timeline == null || start == null ? null : { timeline: Number(timeline), start: parseLsn(start) };
}

function statusUpdate(received: Lsn, durable: Lsn, now: Date): Buffer {
	const message = Buffer.alloc(34);
	message.writeUInt8(STATUS_UPDATE, 0);
	message.writeBigUInt64BE(received, 1);
	message.writeBigUInt64BE(durable, 9);
	// Nothing is replayed here.
	message.writeBigUInt64BE(0n, 17);
	message.writeBigInt64BE(BigInt(now.getTime() - EPOCH_MS) * 1000n, 25);
	// The server answers at once: whoever hears nothing any more has lost it.
	message.writeUInt8(1, 33);
	return message;
}

function outOfOrder(at: Lsn, expected: Lsn): BackupError {
	return new BackupError('SERVER_ERROR', `The server sent the log from ${formatLsn(at)} on, where ${formatLsn(expected)} was next.`, 'Nothing after that was archived. Run the job again.');
}
