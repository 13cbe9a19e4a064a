import type { BackupKind } from './component';
import { BACKUP_KINDS } from './component';

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';
const ID = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-([a-z]+)-[0-9a-z]{6}$/;

/** A new backup's id, e.g. `20261122T020000Z-full-a1b2c3`: sorts by time. */
export function newBackupId(now: Date, kind: BackupKind | 'set' | 'recovery' | 'kit', randomBytes: (bytes: number) => Buffer): string {
	const time = now.toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
	const suffix = [...randomBytes(6)].map((byte) => LETTERS[byte % LETTERS.length]).join('');
	return `${time}-${kind}-${suffix}`;
}

/** What an id tells by itself, for backups whose manifest cannot be read; `undefined` when it is not an id. */
export function readBackupId(id: string): { startedAt: Date; kind: BackupKind | undefined } | undefined {
	const match = ID.exec(id);
	if (!match) return undefined;
	const [, year, month, day, hour, minute, second, kind] = match;
	const startedAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
	if (Number.isNaN(startedAt.getTime())) return undefined;
	return { startedAt, kind: BACKUP_KINDS.find((known) => known === kind) };
}

/** The second in which a backup began, as its id tells it; of two ids the later second sorts later. */
export function secondOf(id: string): string {
	return id.slice(0, id.indexOf('-'));
}
