import type { Component } from '../../lib/catalog/component';
import type { RecoveryPointSummary } from '../../lib/jobs/results';
import type { Targets } from './targets';

type Member = RecoveryPointSummary['members'][number];

/** One thing to restore, in the words of the targets file. */
export type Stage =
	| { readonly component: 'postgres'; readonly name: string; readonly backup: string; readonly database: string; readonly globals: string | null }
	| { readonly component: 'redis'; readonly name: string; readonly backup: string; readonly at: number }
	| { readonly component: 'files' | 'config' | 'logs'; readonly name: string; readonly backup: string; readonly folder: string }
	| { readonly component: 'n8n'; readonly name: string; readonly backup: string; readonly at: number };

export interface StagePlan {
	readonly stages: readonly Stage[];
	/** Members that are not restored, each with why. */
	readonly leftOut: readonly { readonly name: string; readonly why: string }[];
	/** What stands against it: members without a place, places without a member, members that are gone. */
	readonly problems: readonly string[];
}

/** Database first: it is what takes longest and what the others refer to. n8n last: it must not start workflows on a half-restored stack. */
const ORDER: readonly Component[] = ['postgres', 'redis', 'files', 'config', 'logs', 'n8n'];

/** Which member of a recovery point goes where. Everything that the point holds must have a place or be left out by name. */
export function planStages({ members }: Pick<RecoveryPointSummary, 'members'>, targets: Targets): StagePlan {
	const stages: Stage[] = [];
	const leftOut: { name: string; why: string }[] = [];
	const problems: string[] = [];
	const globals = members.find(({ component, kind, state }) => component === 'postgres' && kind === 'globals' && state === 'present')?.backup ?? null;
	for (const member of [...members].sort((a, b) => ORDER.indexOf(a.component) - ORDER.indexOf(b.component))) {
		const name = `${member.component}/${member.source}`;
		const why = reasonToLeaveOut(member, targets);
		if (why !== undefined) leftOut.push({ name: `${name} (${member.kind})`, why });
		else if (member.state !== 'present') problems.push(`${name}: its backup ${member.backup} is ${member.state === 'gone' ? 'not in this store' : 'damaged'}. Choose another recovery point or place, or leave it out by name.`);
		else if (member.kind !== 'globals') {
			const stage = stageOf(member, name, targets, globals);
			if (stage === undefined) problems.push(`${name} has no place in the targets file. Give it one, or name it under "leaveOut".`);
			else stages.push(stage);
		}
	}
	return { stages, leftOut, problems: [...problems, ...placesWithoutMember(members, targets), ...placesGivenTwice(stages)] };
}

function reasonToLeaveOut({ component, source, kind }: Member, { leaveOut }: Targets): string | undefined {
	if (leaveOut.includes(component) || leaveOut.includes(`${component}/${source}`)) return 'The targets file says so.';
	if (kind === 'extract') return 'It holds rows that changed recently, no whole database; the dump holds them too.';
	if (kind === 'base') return 'It is for recovery to a point in time ("recover"); the dump of the same run is restored.';
	if (component === 'postgres' && kind === 'incremental') return 'It is for recovery to a point in time ("recover").';
	if (kind === 'partial') return 'It is a part of a database; restore it by itself ("restore").';
	return undefined;
}

function stageOf({ component, source, backup }: Member, name: string, targets: Targets, globals: string | null): Stage | undefined {
	switch (component) {
		case 'postgres':
			return targets.postgres && { component, name, backup, database: Object.hasOwn(targets.postgres.databases, source) ? (targets.postgres.databases[source] ?? source) : source, globals };
		case 'redis':
		case 'n8n': {
			const at = targets[component].findIndex((target) => target.source === source);
			return at < 0 ? undefined : { component, name, backup, at };
		}
		case 'files':
		case 'config':
		case 'logs': {
			const target = targets[component].find((one) => one.source === source);
			return target && { component, name, backup, folder: target.folder };
		}
	}
}

/** A name that was mistyped would otherwise look like a component that was never backed up. */
function placesWithoutMember(members: readonly Member[], targets: Targets): string[] {
	const has = (component: Component, source: string) => members.some((member) => member.component === component && member.source === source);
	const named = (['redis', 'files', 'config', 'logs', 'n8n'] as const).flatMap((component) => targets[component].map(({ source }) => [component, source] as const));
	const databases = Object.keys(targets.postgres?.databases ?? {}).map((source) => ['postgres', source] as const);
	const absent = [...databases, ...named].filter(([component, source]) => !has(component, source)).map(([component, source]) => `The recovery point holds no ${component}/${source}, for which the targets file has a place.`);
	const database = members.some(({ component, kind }) => component === 'postgres' && kind === 'full');
	return targets.postgres && !database ? [...absent, 'The recovery point holds no dump of a database, for which the targets file has a server.'] : absent;
}

function placesGivenTwice(stages: readonly Stage[]): string[] {
	const places = stages.flatMap((stage) => ('folder' in stage ? [`the folder ${stage.folder}`] : 'database' in stage ? [`the database "${stage.database}"`] : []));
	return [...new Set(places.filter((place, at) => places.indexOf(place) !== at))].map((place) => `Two backups would go into ${place}.`);
}
