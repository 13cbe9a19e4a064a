const MOST_SUGGESTIONS = 5;

/** The names most like `wanted`, best first: those that differ in case only, contain it, or are a few letters away. */
export function nearNames(wanted: string, names: readonly string[]): string[] {
	const target = wanted.toLowerCase();
	const scored = names.map((name) => ({ name, distance: distanceBetween(target, name.toLowerCase()) }));
	const limit = Math.max(2, Math.ceil(target.length / 3));
	return scored
		.filter(({ distance }) => distance <= limit)
		.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
		.slice(0, MOST_SUGGESTIONS)
		.map(({ name }) => name);
}

function distanceBetween(a: string, b: string): number {
	if (a === b) return 0;
	return a.includes(b) || b.includes(a) ? 1 : editDistance(a, b);
}

/** Levenshtein distance, in one row. */
function editDistance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
		}
		row = next;
	}
	return row[b.length] ?? 0;
}
