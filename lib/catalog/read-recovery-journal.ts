import type { z } from 'zod';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { RECOVERIES_FOLDER, recoveryEntriesFolder, recoveryKey } from './layout';
import { type JournalEntry, journalEntrySchema, type RecoveryRequest, recoveryIdSchema, recoveryRequestSchema } from './recovery-journal';
import { type RecoverySummary, summarizeRecovery } from './recovery-summary';
import { readSmallObject } from './small-object';

/** A recovery's journal as it lies in the store. */
export interface RecoveryJournal {
	readonly request: RecoveryRequest;
	/** In their order. */
	readonly entries: readonly JournalEntry[];
	/** The number that the next entry gets. */
	readonly nextNumber: number;
}

const ENTRY_NAME = /^(\d{6})-[0-9a-z]{6}\.json$/;

/** The name of an entry: the number makes the order; two writers at the same moment get names of their own. */
export function entryKey(recoveryId: string, number: number, random: string): string {
	return `${recoveryEntriesFolder(recoveryId)}${String(number).padStart(6, '0')}-${random}.json`;
}

/**
 * @returns `undefined` where there is no such recovery
 * @throws BackupError `MANIFEST_INVALID` for an object that was damaged or changed by hand
 */
export async function readRecoveryJournal(store: Store, id: string, signal: AbortSignal): Promise<RecoveryJournal | undefined> {
	const request = await readObject(store, recoveryKey(id), recoveryRequestSchema, signal);
	if (request === undefined) return undefined;
	const names: string[] = [];
	const folder = recoveryEntriesFolder(id);
	for await (const { key } of store.list(folder)) {
		if (ENTRY_NAME.test(key.slice(folder.length))) names.push(key.slice(folder.length));
	}
	names.sort();
	const entries: JournalEntry[] = [];
	for (const name of names) {
		const entry = await readObject(store, folder + name, journalEntrySchema, signal);
		if (entry) entries.push(entry);
	}
	return { request, entries, nextNumber: Number(ENTRY_NAME.exec(names.at(-1) ?? '')?.[1] ?? 0) + 1 };
}

export interface RecoveryFilter {
	/** Only of this runbook. */
	readonly name?: string;
	/** Only those that have not ended. */
	readonly open?: boolean;
	readonly limit: number;
}

/** Recoveries of a store, newest first. */
export async function listRecoveries(store: Store, filter: RecoveryFilter, signal: AbortSignal): Promise<RecoverySummary[]> {
	const ids = (await store.listFolders(RECOVERIES_FOLDER)).filter((name) => recoveryIdSchema.safeParse(name).success).sort().reverse();
	const found: RecoverySummary[] = [];
	for (const id of ids) {
		if (found.length >= filter.limit) break;
		const journal = await readRecoveryJournal(store, id, signal);
		if (!journal || (filter.name !== undefined && journal.request.name !== filter.name)) continue;
		const summary = summarizeRecovery(journal.request, journal.entries);
		if (filter.open === true && summary.finishedAt !== null) continue;
		found.push(summary);
	}
	return found;
}

async function readObject<T>(store: Store, key: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined> {
	const text = await readSmallObject(store, key, signal);
	if (text === undefined) return undefined;
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw invalid(key, 'it is not valid JSON', error);
	}
	const parsed = schema.safeParse(value);
	if (parsed.success) return parsed.data;
	throw invalid(key, `${parsed.error.issues[0]?.path.map(String).join('.') ?? ''}: ${parsed.error.issues[0]?.message ?? 'it does not fit the format'}`);
}

function invalid(key: string, problem: string, cause?: unknown): BackupError {
	return new BackupError(
		'MANIFEST_INVALID',
		`${key} cannot be used: ${problem}.`,
		'It was damaged, changed by hand, or written by a newer version. Look at it; to begin anew all the same, move the folder of this recovery away.',
		{ cause },
	);
}
