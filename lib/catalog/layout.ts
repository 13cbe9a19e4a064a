import type { Component } from './component';

/** Where things are in a store. The one place that knows; every engine and store shares it. */
export const MANIFEST_NAME = 'manifest.json';
export const VERIFICATION_NAME = 'verification.json';
export const COPIES_NAME = 'copies.json';
export const INSTRUCTIONS_NAME = 'RESTORE.txt';

export const BACKUPS_FOLDER = 'backups/';
export const SETS_FOLDER = 'sets/';
export const LOCKS_FOLDER = 'locks/';
export const WAL_FOLDER = 'wal/';
export const RETENTION_HOLD_KEY = 'status/retention-hold.json';
export const ACKNOWLEDGED_KEY = 'status/acknowledged.json';
export const FORGOTTEN_FOLDER = 'status/forgotten/';
export const LAST_RUN_FOLDER = 'status/last-run/';
export const HISTORY_FOLDER = 'status/history/';
export const STORE_IDENTITY_KEY = 'status/store.json';
export const RECOVERIES_FOLDER = 'recoveries/';
export const KITS_FOLDER = 'break-glass/';
export const EXPECTED_RUNS_FOLDER = 'status/next-expected/';
export const STARTED_RUNS_FOLDER = 'status/started/';
export const ALERTS_KEY = 'status/alerts.json';

export function componentFolder(component: Component): string {
	return `${BACKUPS_FOLDER}${component}/`;
}

export function backupFolder(component: Component, id: string): string {
	return `${componentFolder(component)}${id}/`;
}

export function manifestKey(component: Component, id: string): string {
	return backupFolder(component, id) + MANIFEST_NAME;
}

export function verificationKey(component: Component, id: string): string {
	return backupFolder(component, id) + VERIFICATION_NAME;
}

export function copiesKey(component: Component, id: string): string {
	return backupFolder(component, id) + COPIES_NAME;
}

export function recoveryPointKey(id: string): string {
	return `${SETS_FOLDER}${id}/${MANIFEST_NAME}`;
}

export function artifactKey(component: Component, id: string, artifact: string): string {
	return backupFolder(component, id) + artifact;
}

export function lastRunKey(series: string): string {
	return `${LAST_RUN_FOLDER}${series}.json`;
}

/** What ended of a series in one month, `YYYY-MM` in UTC. */
export function historyKey(series: string, month: string): string {
	return `${HISTORY_FOLDER}${series}/${month}.json`;
}

/** The archive of WAL of one server, told by its system identifier. */
export function walFolder(systemIdentifier: string): string {
	return `${WAL_FOLDER}${systemIdentifier}/`;
}

/** One timeline of it, told by eight hexadecimal digits. */
export function timelineFolder(systemIdentifier: string, timelineName: string): string {
	return `${walFolder(systemIdentifier)}${timelineName}/`;
}

export function lockFolder(name: string): string {
	return `${LOCKS_FOLDER}${name}/`;
}

/** What was asked of one recovery; what became of it lies beside it. */
export function recoveryKey(id: string): string {
	return `${RECOVERIES_FOLDER}${id}/recovery.json`;
}

/** The entries of a recovery's journal, one object each, sorted by name. */
export function recoveryEntriesFolder(id: string): string {
	return `${RECOVERIES_FOLDER}${id}/entries/`;
}
