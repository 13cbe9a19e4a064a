/**
 * Whether a key matches a pattern of Redis (`stringmatchlen` of `util.c`): `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, and a backslash before a character meant
 * literally. Keys are bytes, and so is the pattern in UTF-8. A star never backtracks further than to the one before it, so that no pattern takes long.
 */
export function matchesPattern(pattern: Buffer, key: Buffer): boolean {
	let inPattern = 0;
	let inKey = 0;
	let starPattern = -1;
	let starKey = 0;
	while (inKey < key.length) {
		if (pattern[inPattern] === STAR) {
			starPattern = ++inPattern;
			starKey = inKey;
			continue;
		}
		const next = inPattern < pattern.length ? matchOne(pattern, inPattern, key[inKey] as number) : -1;
		if (next >= 0) {
			inPattern = next;
			inKey += 1;
		} else if (starPattern >= 0) {
			inPattern = starPattern;
			inKey = ++starKey;
		} else {
			return false;
		}
	}
	while (pattern[inPattern] === STAR) inPattern += 1;
	return inPattern === pattern.length;
}

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BACKSLASH = 0x5c;
const CARET = 0x5e;
const DASH = 0x2d;

/** @returns where the pattern goes on after matching one byte, or -1 */
function matchOne(pattern: Buffer, at: number, byte: number): number {
	const first = pattern[at];
	if (first === QUESTION) return at + 1;
	if (first === OPEN) return matchClass(pattern, at + 1, byte);
	if (first === BACKSLASH && at + 1 < pattern.length) return pattern[at + 1] === byte ? at + 2 : -1;
	return first === byte ? at + 1 : -1;
}

function matchClass(pattern: Buffer, start: number, byte: number): number {
	let at = start;
	const negated = pattern[at] === CARET;
	if (negated) at += 1;
	let found = false;
	for (; at < pattern.length && pattern[at] !== CLOSE; at += 1) {
		if (pattern[at] === BACKSLASH && at + 1 < pattern.length) {
			at += 1;
			if (pattern[at] === byte) found = true;
		} else if (pattern[at + 1] === DASH && at + 2 < pattern.length) {
			const [from, to] = [pattern[at] as number, pattern[at + 2] as number];
			if (byte >= Math.min(from, to) && byte <= Math.max(from, to)) found = true;
			at += 2;
		} else if (pattern[at] === byte) {
			found = true;
		}
	}
	// Redis takes a class that is never closed as ending with the pattern.
	return found === negated ? -1 : Math.min(at + 1, pattern.length);
}
