import type { RecoveryWindow } from '../catalog/recovery-window';
import type { BackupSummary } from '../catalog/summary';

/** Where a server answers; what tells a database of one server from that of the same name on another. */
export interface ServerAddress {
	readonly host: string;
	readonly port: number;
}

/** Until when archived WAL brings back what a backup is of, by the backup's id. */
export type WalReach = ReadonlyMap<string, string>;

/**
 * How far archived WAL reaches for each backup of a database server: that of its own server, if it is a base backup of it or a dump of one of
 * its databases. A database of the same name at another address is another one. Pure.
 * @param addresses of backups, by id
 */
export function walReach(backups: readonly Pick<BackupSummary, 'id' | 'kind' | 'source'>[], windows: readonly RecoveryWindow[], addresses: ReadonlyMap<string, ServerAddress>): WalReach {
	const reach = new Map<string, string>();
	for (const { id, kind, source } of backups) {
		const address = addresses.get(id);
		const physical = kind === 'base' || kind === 'incremental';
		const window = windows.find((one) => (physical ? one.source === source : one.databases.includes(source)) && one.host === address?.host && one.port === address.port);
		if (window?.to != null) reach.set(id, window.to);
	}
	return reach;
}

/** The newest moment to which this, or what it is a backup of, can be brought back: when it began, or how far WAL reaches. */
export function protectedUntil({ id, startedAt }: Pick<BackupSummary, 'id' | 'startedAt'>, reach: WalReach): string {
	const wal = reach.get(id);
	return wal !== undefined && Date.parse(wal) > Date.parse(startedAt) ? wal : startedAt;
}
