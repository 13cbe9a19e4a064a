/** PostgreSQL cuts names off after this many bytes (NAMEDATALEN - 1). */
export const LONGEST_NAME_BYTES = 63;

/** What a database of ours is for; the word stands in its name. */
export type OwnDatabaseRole = 'restore' | 'before' | 'undone' | 'drill';

const STAMP = /\d{8}t\d{6}z/;
const PATTERNS: Record<OwnDatabaseRole, RegExp> = {
	restore: new RegExp(`_restore_${STAMP.source}_([0-9a-f]{16})$`),
	drill: /^backup_recovery_drill_[0-9a-z_]+_([0-9a-f]{16})$/,
	before: new RegExp(`_before_${STAMP.source}(?:_\\d+)?$`),
	undone: new RegExp(`_undone_${STAMP.source}(?:_\\d+)?$`),
};

/** `20261122t020000z`: UTC, sorts by time, needs no quotes. */
export function nameStamp(moment: Date): string {
	return moment.toISOString().replace(/[-:]|\.\d+/g, '').toLowerCase();
}

/** The longest beginning of `text` that fits into `bytes` bytes of UTF-8 without cutting a character. */
export function fitBytes(text: string, bytes: number): string {
	let used = 0;
	let kept = '';
	for (const character of text) {
		used += Buffer.byteLength(character);
		if (used > bytes) break;
		kept += character;
	}
	return kept;
}

function withSuffix(name: string, suffix: string): string {
	return fitBytes(name, LONGEST_NAME_BYTES - Buffer.byteLength(suffix)) + suffix;
}

/** A database that a restore fills before it gets its real name. `key` is the hex form of its liveness lock. */
export function restoreName(database: string, moment: Date, key: string): string {
	return withSuffix(database, `_restore_${nameStamp(moment)}_${key}`);
}

/** A restore drill's throwaway database; `20261122T020000Z-full-a1b2c3` gives `backup_recovery_drill_20261122t020000z_…`. */
export function drillName(backupId: string, key: string): string {
	const stamp = backupId.split('-')[0] ?? '';
	return `backup_recovery_drill_${stamp.toLowerCase().replace(/[^0-9a-z]/g, '')}_${key}`;
}

/** The name under which the live database is kept after a swap; one that is in `taken` is avoided by a counter. */
export function previousName(database: string, role: 'before' | 'undone', moment: Date, taken: ReadonlySet<string>): string {
	const suffix = `_${role}_${nameStamp(moment)}`;
	for (let count = 1; ; count += 1) {
		const name = withSuffix(database, count === 1 ? suffix : `${suffix}_${count}`);
		if (!taken.has(name)) return name;
	}
}

/** Whether a name is one that we give to databases of this role. */
export function hasNameOf(role: OwnDatabaseRole, name: string): boolean {
	return PATTERNS[role].test(name);
}

/** The liveness key in the name of a scratch database; undefined for any other name. */
export function scratchKey(name: string): string | undefined {
	return (PATTERNS.restore.exec(name) ?? PATTERNS.drill.exec(name))?.[1];
}
