import { hasNameOf, scratchKey } from './database-names';
import { type DatabaseMark, readMark } from './marker';
import type { TargetDatabase, TargetServer } from './target-server';

/** What is under a live name now, as the server itself says: never half of anything, because a swap is one transaction. */
export interface LiveDatabase {
	readonly database: string;
	/** `missing`: no database has the name. `fenced`: closed by a fence. `closed`: closed by somebody else. */
	readonly state: 'missing' | 'open' | 'fenced' | 'closed';
	/** Since when it is fenced; null: it is not. */
	readonly fencedSince: string | null;
	/** The swap that brought it there, as far as the server shows it; null: it has been there all along, or what it replaced was dropped. */
	readonly restored: { readonly backup: string; readonly at: string; readonly previousDatabase: string | null } | null;
	/** The same in a sentence. */
	readonly explanation: string;
	/** Databases of this name that swaps have set aside, newest first. */
	readonly kept: ReadonlyArray<{ readonly name: string; readonly backup: string; readonly at: string }>;
	/** Copies beside it that a restore is filling now, or left when it was killed. */
	readonly unfinished: readonly string[];
}

export function describeLive(server: Pick<TargetServer, 'databases'>, name: string): LiveDatabase {
	const live = server.databases.get(name);
	const fence = fenceOf(live);
	const kept = keptDatabases(server, name);
	const restored = swapOf(fence, kept);
	const state = live === undefined ? 'missing' : fence ? 'fenced' : live.allowsConnections ? 'open' : 'closed';
	const unfinished = [...server.databases.values()].filter((database) => scratchKey(database.name) !== undefined && readMark(database.comment)?.database === name).map((database) => database.name);
	return {
		database: name,
		state,
		fencedSince: fence?.at ?? null,
		restored: live === undefined ? null : restored,
		explanation: explain(name, state, live === undefined ? null : restored),
		kept: kept.map(({ database, mark }) => ({ name: database.name, backup: mark.backup, at: mark.at })),
		unfinished,
	};
}

/** Our mark on a live database that is fenced. */
export function fenceOf(live: Pick<TargetDatabase, 'name' | 'comment'> | undefined): DatabaseMark | undefined {
	const mark = readMark(live?.comment ?? null);
	return mark?.role === 'fenced' && mark.database === live?.name ? mark : undefined;
}

/** The comment that the database has of its own. */
export function ownComment(live: Pick<TargetDatabase, 'name' | 'comment'>): string | null {
	const fence = fenceOf(live);
	return fence === undefined ? live.comment : fence.comment;
}

/** Whether a swap since then has put this backup under the name. */
export function swappedSince(server: Pick<TargetServer, 'databases'>, name: string, backup: string, since: string): LiveDatabase | undefined {
	const live = describeLive(server, name);
	return live.restored?.backup === backup && Date.parse(live.restored.at) >= Date.parse(since) ? live : undefined;
}

export interface KeptDatabase {
	readonly database: TargetDatabase;
	readonly mark: DatabaseMark;
}

/** The databases set aside by swaps of this name, newest first. */
export function keptDatabases(server: Pick<TargetServer, 'databases'>, live: string): KeptDatabase[] {
	const found: KeptDatabase[] = [];
	for (const database of server.databases.values()) {
		const mark = readMark(database.comment);
		if (mark?.role === 'previous' && mark.database === live && hasNameOf('before', database.name)) found.push({ database, mark });
	}
	return found.sort((a, b) => (a.mark.at < b.mark.at ? 1 : -1));
}

/** A database that was swapped in behind a fence says itself where it came from; of others, what they replaced does. */
function swapOf(fence: DatabaseMark | undefined, [newest]: readonly KeptDatabase[]): LiveDatabase['restored'] {
	if (fence !== undefined && fence.backup !== '') {
		const replaced = newest?.mark.backup === fence.backup && newest.mark.at === fence.at ? newest.database.name : null;
		return { backup: fence.backup, at: fence.at, previousDatabase: replaced };
	}
	return newest === undefined ? null : { backup: newest.mark.backup, at: newest.mark.at, previousDatabase: newest.database.name };
}

function explain(name: string, state: LiveDatabase['state'], restored: LiveDatabase['restored']): string {
	if (state === 'missing') return `There is no database "${name}".`;
	const which = restored === null ? `"${name}" has not been replaced` : `"${name}" is the one that was restored from backup ${restored.backup}, proven, and swapped in at ${restored.at}`;
	return `${which}; ${{ open: 'clients may connect', fenced: 'it is fenced: no client may connect', closed: 'somebody has closed it: no client may connect' }[state]}.`;
}
