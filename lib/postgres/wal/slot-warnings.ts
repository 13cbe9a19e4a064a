import type { SlotState } from './replication-slot';

/** Of what may be held, so much may be left before a warning. */
const LOW_SHARE = 0.25;

/** What a person should know of the slot before the primary's disk, or the archive, is in danger. */
export function slotWarnings(slot: SlotState | undefined, name: string): string[] {
	if (!slot) return [`The replication slot "${name}" is gone: somebody dropped it. It is made again when archiving starts.`];
	const held = megabytes(slot.heldBytes);
	if (slot.walStatus === 'lost') return [`The replication slot "${name}" is lost: the server removed log that was not archived yet. Take a new base backup.`];
	if (slot.walStatus === 'unreserved') return [`The replication slot "${name}" is about to be lost: it holds ${held} MB of log, more than max_slot_wal_keep_size. Find out why archiving is slow, or raise that setting.`];
	const { safeBytes, keepLimitBytes } = slot;
	if (keepLimitBytes !== null && safeBytes !== null && safeBytes < keepLimitBytes * LOW_SHARE) {
		return [`The replication slot "${name}" may be lost after ${megabytes(safeBytes)} MB more of log: it holds ${held} MB. Find out why archiving is slow, or raise max_slot_wal_keep_size.`];
	}
	if (keepLimitBytes === null && slot.walStatus === 'extended') {
		return [`The replication slot "${name}" makes the server keep ${held} MB of log, more than max_wal_size, and there is no limit: its disk may fill. Find out why archiving is slow, and set max_slot_wal_keep_size.`];
	}
	return [];
}

function megabytes(bytes: number): string {
	return (bytes / 1e6).toFixed(0);
}
