import type { Component } from '../catalog/component';
import type { Manifest } from '../catalog/manifest';
import type { RecoveryMember, RecoverySpan } from '../catalog/recovery-point';

type AsOf = RecoveryMember['asOf'];

/** When the source was as the backup holds it. A dump shows one moment; whatever is read piece by piece shows the time that took. */
export function asOfBackup(manifest: Manifest): AsOf {
	const snapshot = manifest.postgres?.proof?.takenAt;
	if (snapshot !== undefined) return { from: utc(snapshot), to: utc(snapshot), exact: true };
	const redis = (manifest.redis?.snapshots ?? []).map(({ takenAt }) => takenAt);
	if (redis.length > 0 && redis.every((moment) => moment !== null)) {
		const moments = redis.map(utc).sort();
		const [from = '', to = from] = [moments[0], moments.at(-1)];
		return { from, to, exact: from === to };
	}
	return { from: utc(manifest.startedAt), to: utc(manifest.finishedAt), exact: false };
}

/** What the members may differ by; null without members. */
export function spanOf(members: readonly RecoveryMember[]): RecoverySpan | null {
	if (members.length === 0) return null;
	const { from, to } = around(members);
	const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
	return { from, to, seconds, explanation: explain(members, { from, to, seconds }) };
}

function explain(members: readonly RecoveryMember[], whole: { from: string; to: string; seconds: number }): string {
	const databases = members.filter(({ component, kind }) => component === 'postgres' && kind !== 'globals');
	const files = members.filter(({ component }) => component === 'files');
	if (databases.length === 0 || files.length === 0) return explainAny(members, whole);
	const both = around([...databases, ...files]);
	const difference = (Date.parse(both.to) - Date.parse(both.from)) / 1000;
	return (
		`The database is ${describe('postgres', around(databases))}; the files are ${describe('files', around(files))}. ` +
		`What was added, changed or deleted between ${clock(both.from)} and ${clock(both.to)} (${duration(difference)}) may be in one and not in the other: ` +
		'after restoring both, Cross Check finds rows without files and files without rows.'
	);
}

function explainAny(members: readonly RecoveryMember[], { from, to, seconds }: { from: string; to: string; seconds: number }): string {
	if (seconds === 0) return `It shows one moment, ${clock(from)}.`;
	const what = members.length === 1 ? 'It was' : 'Its parts were';
	return `${what} read between ${clock(from)} and ${clock(to)}; they may differ by what happened in those ${duration(seconds)}.`;
}

function describe(component: Component, { from, to }: { from: string; to: string }): string {
	if (from === to) return `as of ${clock(from)}`;
	return component === 'postgres' ? `as of some moment between ${clock(from)} and ${clock(to)}` : `as they were read between ${clock(from)} and ${clock(to)}`;
}

function around(members: readonly RecoveryMember[]): { from: string; to: string } {
	// All are UTC in one format, so text sorts by time.
	const from = members.map(({ asOf }) => asOf.from).reduce((a, b) => (a < b ? a : b));
	const to = members.map(({ asOf }) => asOf.to).reduce((a, b) => (a > b ? a : b));
	return { from, to };
}

function utc(moment: string): string {
	return new Date(moment).toISOString();
}

/** e.g. `2026-11-22 02:00:12 UTC` */
function clock(moment: string): string {
	return `${moment.slice(0, 19).replace('T', ' ')} UTC`;
}

/** e.g. `1 h 5 min`, `5 min 18 s`, `0.4 s` */
function duration(seconds: number): string {
	if (seconds < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`;
	const whole = Math.round(seconds);
	const hours = Math.floor(whole / 3600);
	const minutes = Math.floor((whole % 3600) / 60);
	return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}
