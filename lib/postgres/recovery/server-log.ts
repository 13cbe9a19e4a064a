import { open } from 'node:fs/promises';
import { BackupError, type ErrorCode } from '../../core/errors';

/** What a server's log has told about its recovery so far. */
export interface RecoveryLog {
	/** Segments taken from the folder of WAL. */
	readonly restoredFiles: number;
	/** "recovery stopping before commit of transaction 742, time …", in the server's own words. */
	readonly stopped: string | null;
	/** "redo done at 0/5000060" */
	readonly redoneTo: string | null;
	readonly newTimeline: number | null;
	/** FATAL and PANIC lines. */
	readonly fatal: readonly string[];
	/** The last lines of all. */
	readonly tail: readonly string[];
}

const KEPT_LINES = 12;
const PIECE = 64 * 1024;

/** Follows the log of a server that writes with `log_line_prefix = '%m '` and `lc_messages = 'C'`. */
export class LogReader {
	private at = 0;
	private rest = '';
	private restoredFiles = 0;
	private stopped: string | null = null;
	private redoneTo: string | null = null;
	private newTimeline: number | null = null;
	private fatal: string[] = [];
	private tail: string[] = [];

	constructor(private readonly file: string) {}

	/** Reads what has been added. */
	async read(): Promise<RecoveryLog> {
		const handle = await open(this.file, 'r');
		try {
			const buffer = Buffer.alloc(PIECE);
			for (;;) {
				const { bytesRead } = await handle.read(buffer, 0, PIECE, this.at);
				if (bytesRead === 0) break;
				this.at += bytesRead;
				const lines = (this.rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
				this.rest = (lines.pop() ?? '').slice(0, PIECE);
				for (const line of lines) this.take(line.replace(/^\d{4}-\S+ \S+ \S+ /, ''));
			}
		} finally {
			await handle.close();
		}
		const { restoredFiles, stopped, redoneTo, newTimeline, fatal, tail } = this;
		return { restoredFiles, stopped, redoneTo, newTimeline, fatal: [...fatal], tail: [...tail] };
	}

	/** What was said before the next start no longer counts. */
	forget(): void {
		[this.restoredFiles, this.stopped, this.redoneTo, this.newTimeline, this.fatal, this.tail] = [0, null, null, null, [], []];
	}

	private take(line: string): void {
		if (line.trim() === '') return;
		this.tail = [...this.tail, line.slice(0, 500)].slice(-KEPT_LINES);
		if (/^(FATAL|PANIC): /.test(line) && !/the database system is (starting|not yet|not accepting|shutting|in recovery)/.test(line)) this.fatal = [...this.fatal, line.slice(0, 500)].slice(-KEPT_LINES);
		if (/restored log file "[0-9A-F]{24}" from archive/.test(line)) this.restoredFiles += 1;
		this.stopped = /LOG:\s+(recovery stopping .*)/.exec(line)?.[1] ?? this.stopped;
		this.redoneTo = /redo done at ([0-9A-F]+\/[0-9A-F]+)/.exec(line)?.[1] ?? this.redoneTo;
		const timeline = /selected new timeline ID: (\d+)/.exec(line)?.[1];
		if (timeline !== undefined) this.newTimeline = Number(timeline);
	}
}

/** PostgreSQL ran out of WAL before it came to the target. */
export function missedTarget({ fatal }: RecoveryLog): boolean {
	return fatal.some((line) => line.includes('recovery ended before configured recovery target was reached'));
}

interface Cause {
	readonly words: RegExp;
	readonly code: ErrorCode;
	readonly hint: string;
}

const OLDER = 'Try an older base backup, and check this one with a recovery drill.';

/** What a server says before it ends, and what is to blame. The first that fits; only the last speaks against base backup or WAL. */
const CAUSES: readonly Cause[] = [
	{ words: /No space left|Disk quota exceeded/, code: 'NO_SPACE', hint: 'The disk of the recovery folder is full. Choose one with more room.' },
	{ words: /could not load library|could not access file|resource manager with ID/, code: 'EXTENSION_MISSING', hint: 'A library of the server that was backed up is missing here. Recover where the same extensions are installed, with "Hand Over", or install them here.' },
	{ words: /Permission denied|Operation not permitted|could not access directory/, code: 'PERMISSION_DENIED', hint: "The server's user cannot enter the recovery folder. Choose one whose parent folders everybody may pass through, e.g. under /var/lib." },
	{ words: /different database system|database system identifier differs/, code: 'WAL_CONFLICT', hint: 'WAL and base backup are those of different servers. Check that the store was not mixed with that of another one.' },
	{ words: /are incompatible with (this )?server|different CPU architecture/, code: 'SERVER_VERSION', hint: 'A base backup starts only on the processor architecture and the major version on which it was taken. Recover on such a machine, or with "Hand Over".' },
	{ words: /shared memory|Cannot allocate memory|out of memory|could not fork|could not map anonymous/, code: 'SERVER_ERROR', hint: 'This machine has too little memory for the server, or lets it start too few processes. Recover on another one. The base backup may be sound.' },
	{ words: /SIGKILL|SIGTERM|terminated by signal (9|15)\b/, code: 'SERVER_ERROR', hint: 'The system ended the server, as it does when memory runs out, or somebody did. Run it again with more memory. The base backup may be sound.' },
	{ words: /Input\/output error/, code: 'SERVER_ERROR', hint: 'The disk of the recovery folder does not read or write. Choose another one. The base backup may be sound.' },
	{ words: /recovery ended before configured recovery target was reached/, code: 'TARGET_MISSED', hint: 'The archived WAL ends, or is damaged, before the target. Check it with "WAL Continuity", and choose a target inside the window that it names.' },
	{ words: /stop point is before consistent recovery point/, code: 'TARGET_UNREACHABLE', hint: 'The base backup was not yet complete at the target. Choose an older base backup.' },
	{ words: /PANIC|invalid page|references to invalid pages|WAL ends before|before consistent recovery point|checkpoint record|backup_label|incorrect checksum in control file|control file contains invalid/, code: 'RESTORE_FAILED', hint: OLDER },
];

/**
 * The error of a server that ended while it recovered, in its own words: `RESTORE_FAILED` where they speak against the base backup or its WAL, another code where
 * they speak against this machine, and `SERVER_ERROR` where nobody knows.
 */
export function recoveryFailure(log: RecoveryLog, how: string): BackupError {
	const said = (log.fatal.length > 0 ? log.fatal : log.tail).join(' | ') || 'it said nothing';
	// Why a process of it ended stands in other lines than the last word of the server.
	const { code, hint } = CAUSES.find(({ words }) => [how, said, ...log.tail].some((text) => words.test(text))) ?? { code: 'SERVER_ERROR', hint: `The lines above come from the server. ${OLDER}` };
	return new BackupError(code, `The recovery ended (${how}): ${said}.`, hint);
}
