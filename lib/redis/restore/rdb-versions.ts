import type { ServerInfo } from '../server-info';

/** The RDB version of each release (`RDB_VERSION` in `rdb.h`), newest first: a server reads its own and all older ones. */
const REDIS: readonly (readonly [version: string, rdbVersion: number])[] = [
	['7.4', 12],
	['7.2', 11],
	['7.0', 10],
	['5.0', 9],
	['4.0', 8],
	['3.2', 7],
	['2.6', 6],
];
const VALKEY: readonly (readonly [version: string, rdbVersion: number])[] = [
	['9.0', 80],
	['7.2', 11],
];

/**
 * The newest RDB version that a server reads. Of a release that is newer than this list only the least is known: it reads what the newest of the list does,
 * and what came from the same release or an older one of its family.
 */
export function newestRdbVersion(server: Pick<ServerInfo, 'flavor' | 'version'>, source: { readonly flavor: 'redis' | 'valkey'; readonly serverVersion: string }): number {
	if (server.flavor === source.flavor && compareVersions(server.version, source.serverVersion) >= 0) return Number.POSITIVE_INFINITY;
	return (server.flavor === 'redis' ? REDIS : VALKEY).find(([version]) => compareVersions(server.version, version) >= 0)?.[1] ?? 6;
}

function compareVersions(one: string, other: string): number {
	const [a, b] = [one, other].map((version) => version.split('.').map(Number));
	for (let at = 0; at < 2; at++) {
		const difference = (a?.[at] ?? 0) - (b?.[at] ?? 0);
		if (difference !== 0) return difference;
	}
	return 0;
}
