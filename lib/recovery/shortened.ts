/** The largest result that a journal keeps. */
export const MOST_RESULT_BYTES = 128 * 1024;

/**
 * A result as small as a journal needs it: where it is too large, the longest lists in it are cut, and say by how much.
 * Results are read by people and by later stages, which need what is at their top.
 */
export function shortened(result: Readonly<Record<string, unknown>>): Record<string, unknown> {
	for (const most of [Number.POSITIVE_INFINITY, 100, 10, 0]) {
		const cut = cutLists(result, most) as Record<string, unknown>;
		if (Buffer.byteLength(JSON.stringify(cut)) <= MOST_RESULT_BYTES) return cut;
	}
	return { leftOut: `The result was too large to be kept (${Buffer.byteLength(JSON.stringify(result))} bytes).` };
}

function cutLists(value: unknown, most: number): unknown {
	if (Array.isArray(value)) {
		const kept = value.slice(0, most).map((entry) => cutLists(entry, most));
		return value.length > most ? [...kept, `… and ${value.length - kept.length} more`] : kept;
	}
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cutLists(inner, most)]));
}
