import type { Lsn } from '../replication/lsn';
import { segmentName } from '../replication/wal-segment';
import type { WalPart } from './archive-index';

/** An archived piece of a segment that is received at the moment; offsets within the segment. */
export interface SegmentPiece {
	readonly from: number;
	/** Exclusive. */
	readonly to: number;
	readonly name: string;
	/** Whether it is certain that it holds the same bytes as the server has there. */
	readonly compared: boolean;
}

/** The pieces of a segment that earlier runs left, and the names of those that another one of them holds. */
export function knownPieces(parts: readonly WalPart[], segment: Lsn): { readonly pieces: readonly SegmentPiece[]; readonly superseded: readonly string[] } {
	const all = parts.filter(({ whole }) => !whole).map(({ start, end, name }) => ({ from: Number(start - segment), to: Number(end - segment), name, compared: false }));
	const superseded = all.filter((piece) => all.some((other) => other !== piece && other.from <= piece.from && other.to >= piece.to));
	return { pieces: all.filter((piece) => !superseded.includes(piece)), superseded: superseded.map(({ name }) => name) };
}

/** Parts of one timeline by the name of the segment that they belong to. */
export function bySegment(parts: readonly WalPart[], segmentBytes: number): Map<string, WalPart[]> {
	const groups = new Map<string, WalPart[]>();
	for (const part of parts) {
		const name = segmentName(part.timeline, part.segment, segmentBytes);
		const group = groups.get(name);
		if (group) group.push(part);
		else groups.set(name, [part]);
	}
	return groups;
}
