import type { ErrorCode } from '../../core/errors';
import type { ArchiveSummary } from './wal-tally';

/** What continuous archiving tells. */
export type WalItem =
	/** Archiving began, or goes on after an interruption. */
	| { readonly event: 'started'; readonly at: string; readonly server: string; readonly systemIdentifier: string; readonly timeline: number; readonly fromLsn: string }
	/** What was archived since the last item of this kind. */
	| ({ readonly event: 'archived'; readonly at: string } & ArchiveSummary & {
				/**
				 * The longest time, since the last item, in which anything that the server had written was not in the store, as far as its clock tells;
				 * while the stream is interrupted, how long that lasts: what is written meanwhile is nowhere else.
				 */
				readonly rpoSeconds: number;
			})
	/** Something that a person should look at; archiving goes on, or is tried again. */
	| { readonly event: 'warning'; readonly at: string; readonly server: string; readonly message: string; readonly hint: string; readonly code: ErrorCode | null };

/** How it ended; it does so only by cancelling, which is an error. */
export type StreamWalResult = Record<string, never>;
