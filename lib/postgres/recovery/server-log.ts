import { open } from 'node:fs/promises';
import { BackupError } from '../../core/errors';

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

/** The error of a server that ended while it recovered, in its own words. */
export function recoveryFailure(log: RecoveryLog, how: string): BackupError {
	const said = (log.fatal.length > 0 ? log.fatal : log.tail).join(' | ') || 'it said nothing';
	return new BackupError('RESTORE_FAILED', `The recovery ended (${how}): ${said}.`, failureHint(said));
}

function failureHint(said: string): string {
	if (said.includes('recovery ended before configured recovery target was reached')) {
		return 'The archived WAL ends, or is damaged, before the target. Check it with "WAL Continuity", and choose a target inside the window that it names.';
	}
	if (said.includes('before consistent recovery point')) return 'The base backup was not yet complete at the target. Choose an older base backup.';
	if (said.includes('different database system') || said.includes('database system identifier differs')) return 'WAL and base backup are those of different servers. Check that the store was not mixed with that of another one.';
	if (said.includes('resource manager with ID')) return 'The server had a library in shared_preload_libraries that writes WAL of its own. Recover where that library is installed, with "Hand Over".';
	if (said.includes('Permission denied') || said.includes('could not access directory')) return "The server's user cannot enter the recovery folder. Choose one whose parent folders everybody may pass through, e.g. under /var/lib.";
	if (said.includes('shared memory') || said.includes('Cannot allocate memory')) return 'This machine has too little memory for the server. Recover on another one.';
	if (said.includes('No space left')) return 'The disk of the recovery folder is full. Choose one with more room.';
	if (said.includes('could not load library') || said.includes('could not access file')) return 'A library of the server that was backed up is missing here. Install the same extensions, or recover there with "Hand Over".';
	return 'The lines above come from the server. Try an older base backup, and check this one with a recovery drill.';
}
