import { BackupError } from '../../core/errors';
import { describeAddress } from '../connection-settings';
import { replyError } from '../map-error';
import { Crc64 } from '../rdb/crc64';
import { LARGE_VALUE, type RdbReport } from '../rdb/rdb-report';
import type { RdbKey, RdbReader } from '../rdb/walk-rdb';
import type { CommandLink } from './command-link';
import { matchesPattern } from './key-pattern';

/** Two bytes of RDB version and eight of CRC-64 end a payload of DUMP: https://redis.io/docs/latest/commands/dump/ */
const FOOTER_BYTES = 10;

export interface KeyPolicy {
	readonly existing: 'keep' | 'overwrite';
	readonly patterns: readonly Buffer[];
	readonly databases: ReadonlySet<number>;
	readonly functions: 'restore' | 'skip';
	/** Keys whose time has passed at this moment (milliseconds since 1970) are left out. */
	now(): number;
}

/** What has been put into the target so far. */
export class RestoreCounts {
	restored = 0;
	kept = 0;
	expired = 0;
	notChosen = 0;
	libraries = 0;
	librariesKept = 0;
	private readonly databases = new Map<number, { keys: number; readonly expiring: Map<number, number> }>();

	countRestored(database: number, expiresAt: number | undefined, now: number): void {
		this.restored += 1;
		const counts = this.databases.get(database) ?? { keys: 0, expiring: new Map<number, number>() };
		this.databases.set(database, counts);
		counts.keys += 1;
		// By minute, and only the near ones: no restore takes a week, and a list of all would grow with the data.
		if (expiresAt === undefined || expiresAt - now > 7 * 24 * 60 * MINUTE) return;
		const minute = Math.floor(expiresAt / MINUTE);
		counts.expiring.set(minute, (counts.expiring.get(minute) ?? 0) + 1);
	}

	/** Per database: the keys put there, and how many of them may have expired by `now`. */
	restoredKeys(now: number): { readonly database: number; readonly keys: number; readonly mayHaveExpired: number }[] {
		return [...this.databases]
			.map(([database, { keys, expiring }]) => {
				let mayHaveExpired = 0;
				for (const [minute, count] of expiring) if (minute * MINUTE <= now) mayHaveExpired += count;
				return { database, keys, mayHaveExpired };
			})
			.sort((a, b) => a.database - b.database);
	}
}

const MINUTE = 60_000;

/** Where the commands for a key go. */
export interface KeyRouter {
	readonly links: readonly CommandLink[];
	linkOf(key: Buffer): CommandLink;
}

/**
 * Turns the keys of one RDB into RESTORE commands: the bytes of a value are the same in both, so nothing is decoded. A value above `LARGE_VALUE` goes out in
 * pieces, its length known from the walk before.
 * https://redis.io/docs/latest/commands/restore/
 */
export class RestoreCommands implements RdbReader {
	private readonly scratch = Buffer.allocUnsafe(LARGE_VALUE + 1);
	private readonly version: Buffer;
	private readonly databaseOf = new Map<CommandLink, number>();
	private current: { readonly key: RdbKey; readonly link: CommandLink; readonly announced: number | undefined } | undefined;
	private filled = 0;
	private sent = 0;
	private crc = new Crc64();

	constructor(
		private readonly report: RdbReport,
		private readonly policy: KeyPolicy,
		private readonly router: KeyRouter,
		private readonly counts: RestoreCounts,
	) {
		this.version = Buffer.alloc(2);
		this.version.writeUInt16LE(report.version);
	}

	library(code: Buffer): void {
		if (this.policy.functions === 'skip') return;
		const replace = this.policy.existing === 'overwrite' ? ['REPLACE'] : [];
		for (const link of this.router.links) {
			link.command(['FUNCTION', 'LOAD', ...replace, code], (reply) => {
				if (!reply.startsWith('-')) this.counts.libraries += 1;
				else if (this.policy.existing === 'keep' && /already exists/.test(reply)) this.counts.librariesKept += 1;
				else throw replyError(reply, link.address, 'loading a library of functions');
			});
		}
	}

	beginKey(key: RdbKey): void {
		const { policy, counts } = this;
		this.current = undefined;
		if ((policy.databases.size > 0 && !policy.databases.has(key.database)) || (policy.patterns.length > 0 && !policy.patterns.some((pattern) => matchesPattern(pattern, key.key)))) {
			counts.notChosen += 1;
			return;
		}
		if (key.expiresAt !== undefined && key.expiresAt <= policy.now()) {
			counts.expired += 1;
			return;
		}
		const link = this.router.linkOf(key.key);
		this.select(link, key.database);
		const announced = this.report.largeValues.get(key.ordinal);
		this.current = { key: { ...key, key: Buffer.from(key.key) }, link, announced };
		this.filled = 0;
		this.sent = 0;
		this.crc = new Crc64();
		this.scratch[this.filled++] = key.type;
		if (announced !== undefined) {
			this.head(announced);
			this.send(this.scratch.subarray(0, 1));
		}
	}

	value(bytes: Buffer): void {
		const { current } = this;
		if (!current) return;
		if (current.announced !== undefined) {
			this.send(bytes);
			return;
		}
		if (this.filled + bytes.length > this.scratch.length) throw changed();
		this.filled += bytes.copy(this.scratch, this.filled);
	}

	endKey(): void {
		const { current } = this;
		if (!current) return;
		if (current.announced === undefined) {
			this.head(this.filled - 1);
			this.send(this.scratch.subarray(0, this.filled));
		} else if (this.sent !== current.announced + 1) {
			throw changed();
		}
		this.crc.update(this.version);
		current.link.bytes(this.version);
		current.link.bytes(this.crc.digest());
		current.link.text('\r\n');
		for (const option of this.restoreOptions(current.key)) current.link.argument(option);
		const { key, link } = current;
		const { database, expiresAt } = key;
		const name = key.key.length > 100 ? key.key.subarray(0, 100) : key.key;
		link.expect((reply) => this.replied(reply, { name, database, expiresAt }, link));
		this.current = undefined;
	}

	private restoreOptions(key: RdbKey): string[] {
		return [
			...(this.policy.existing === 'overwrite' ? ['REPLACE'] : []),
			...(key.expiresAt === undefined ? [] : ['ABSTTL']),
			...(key.idleSeconds === undefined ? [] : ['IDLETIME', String(key.idleSeconds)]),
			...(key.frequency === undefined ? [] : ['FREQ', String(key.frequency)]),
		];
	}

	/** Everything up to the payload's bytes; `valueBytes` without the type. */
	private head(valueBytes: number): void {
		if (!this.current) return;
		const { link, key } = this.current;
		link.text(`*${4 + this.restoreOptions(key).length}\r\n$7\r\nRESTORE\r\n`);
		link.argument(key.key);
		link.argument(String(key.expiresAt ?? 0));
		link.text(`$${1 + valueBytes + FOOTER_BYTES}\r\n`);
	}

	private send(bytes: Buffer): void {
		this.crc.update(bytes);
		this.sent += bytes.length;
		this.current?.link.bytes(bytes);
	}

	private select(link: CommandLink, database: number): void {
		if ((this.databaseOf.get(link) ?? 0) === database) return;
		this.databaseOf.set(link, database);
		link.command(['SELECT', String(database)], (reply) => {
			if (reply.startsWith('-')) throw replyError(reply, link.address, `choosing database ${database}`);
		});
	}

	private replied(reply: string, key: { readonly name: Buffer; readonly database: number; readonly expiresAt: number | undefined }, link: CommandLink): void {
		const { counts } = this;
		if (reply.startsWith('-BUSYKEY') && this.policy.existing === 'keep') {
			counts.kept += 1;
			return;
		}
		if (reply.startsWith('-')) throw refusedKey(reply, key.name, link, counts.restored);
		counts.countRestored(key.database, key.expiresAt, this.policy.now());
	}
}

/** Keys are names, and no secrets by themselves; but they may be long and binary. */
function refusedKey(reply: string, name: Buffer, link: CommandLink, restored: number): BackupError {
	const reason = replyError(reply, link.address, `restoring the key ${JSON.stringify(name.toString('latin1'))}`);
	const state = `${restored} keys had been restored before and are in the target.`;
	if (/payload version or checksum/i.test(reply)) {
		return new BackupError('SERVER_VERSION', `Redis at ${describeAddress(link.address)} is too old for this backup. ${state}`, 'Restore into a server of the same or a newer version.');
	}
	return new BackupError('RESTORE_FAILED', `${reason.message} ${state}`, `${reason.hint} Then restore again; keys that are there already can be overwritten with the same values.`);
}

function changed(): BackupError {
	return new BackupError('ARTIFACT_DAMAGED', 'The backup changed between its check and its restore.', 'Somebody writes into the store. Find out who, then restore again.');
}
