import type { Measures } from '../../lib/status/measures';

/** Numbers that look random and are the same each time (https://en.wikipedia.org/wiki/Linear_congruential_generator). */
export function seeded(seed: number): () => number {
	let state = (seed * 2_654_435_761 + 12_345) >>> 0;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 0x1_0000_0000;
	};
}

export interface World {
	readonly name: string;
	/** Files on day `day`, before what happens. */
	files(day: number): number;
	/** Share of the files that change on a day. */
	changed(day: number): number;
}

/** Days of a stack's uploads: steady, growing, with a working week, with a rare day on which much arrives. */
export const WORLDS: readonly World[] = [
	{ name: 'steady', files: () => 10_000, changed: () => 0.01 },
	{ name: 'growing 1 % a day', files: (day) => 10_000 * 1.01 ** day, changed: () => 0.012 },
	{ name: 'working week', files: (day) => 10_000 + 20 * day, changed: (day) => (day % 7 >= 5 ? 0.0005 : 0.02) },
	{ name: 'bursts', files: (day) => 10_000 + 500 * Math.floor(day / 9), changed: (day) => (day % 9 === 0 ? 0.06 : 0.01) },
];

/** Nothing, a share of the files encrypted in place, or a share deleted. */
export type Event = { readonly kind: 'none' } | { readonly kind: 'encrypted' | 'deleted'; readonly share: number };

const FILE_BYTES = 50_000;
/** Documents and text compress, pictures do not. */
const PLAIN_SHARE = 0.62;

/** The measures of an incremental backup taken on `day`, or of a full one. */
export function dayOf(world: World, day: number, event: Event, kind: 'full' | 'incremental', random: () => number): Measures {
	const noise = (by: number) => 1 + (random() + random() + random() - 1.5) * by;
	const before = Math.round(world.files(day) * noise(0.002));
	const deleted = event.kind === 'deleted' ? Math.round(before * event.share) : Math.round(before * 0.0005 * random());
	const encrypted = event.kind === 'encrypted' ? Math.round(before * event.share) : 0;
	const files = before - deleted;
	const changed = Math.min(files, encrypted + Math.round(files * world.changed(day) * noise(0.4)));
	const carried = kind === 'full' ? files : changed;
	const hidden = Math.min(encrypted, carried);
	const sourceBytes = carried * FILE_BYTES * noise(0.03);
	const storedShare = carried === 0 ? undefined : ((carried - hidden) * PLAIN_SHARE * noise(0.02) + hidden) / carried;
	return {
		files,
		sourceBytes,
		storedBytes: sourceBytes * (storedShare ?? 1),
		...(storedShare !== undefined && { storedShare: Math.min(1, storedShare) }),
		...(kind === 'incremental' && { changedShare: files === 0 ? 0 : changed / files, deletedShare: deleted / Math.max(1, files + deleted) }),
	};
}
