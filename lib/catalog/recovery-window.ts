/** From when to when a server can be recovered to any moment, from its base backups and archived WAL. Times by the server's clock, ISO 8601. */
export interface RecoveryWindow {
	/** Name of the server's base backups. */
	readonly source: string;
	/** Where the server answered when its newest base backup was taken. */
	readonly host: string;
	readonly port: number;
	readonly systemIdentifier: string;
	/** Databases of the server, as of its newest base backup. */
	readonly databases: readonly string[];
	/** The base backup that it begins with, and how many there are in it. */
	readonly oldestBase: string;
	readonly bases: number;
	readonly from: string;
	/** null: the archived WAL does not say when it was written. */
	readonly to: string | null;
	/** Why it ends although later WAL is archived, e.g. which segment is missing; null: nothing is missing. */
	readonly gap: string | null;
}
