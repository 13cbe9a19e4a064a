import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withChainInUse } from '../../../backup/use-chain';
import { readChain } from '../../../catalog/chain';
import type { Manifest } from '../../../catalog/manifest';
import { sourceOf } from '../../../catalog/source-of';
import type { JobContext } from '../../../core/context';
import { BackupError } from '../../../core/errors';
import { StepRecorder } from '../../../core/steps';
import { throwIfFailed } from '../../../core/throw-if-failed';
import type { RecoveryTarget } from '../target';
import { giveTo, serverAccount } from '../account';
import { type ChosenBase, chooseBase } from '../choose-base';
import { readControlFile } from '../control-file';
import { type LaidOut, layOutDataDirectory } from '../lay-out-data-directory';
import { layOutWal } from '../lay-out-wal';
import { stopServerOf } from '../own-server';
import { checkRecovery } from '../recovery-checks';
import { places, writeRecoveryRecord } from '../recovery-folder';
import { findServer } from '../server-programs';
import { moveTarget, writeRecoverySettings } from '../settings';
import { shortSocketFolder } from '../socket-folder';
import { superuserNames } from '../superusers';
import { TablespaceGuard } from '../tablespace-guard';
import { baseDetails } from '../../wal/covered-window';
import { microseconds } from '../../wal/server-time';
import { askDamaged } from './ask';
import { type Commit, CommitSeries } from './commit-series';
import { backsFor, questionsFor, splitOutcomes } from './next-question';
import type { Asked, FindIncidentOptions, FindIncidentResult } from './options';
import { type PausedServerOptions, type StopAt, withPausedServer } from './paused-server';

/**
 * Finds the transaction that did the damage: asks a throwaway server, which recovers from base backup and archived log and pauses, whether the damage is there,
 * at as few moments as tell it. The folder is empty again afterwards, whatever happens. No live server is touched.
 * @throws BackupError `TARGET_UNREACHABLE` where the stretch is not covered; `INVALID_INPUT` where the damage is there before it, or not at its end
 */
export async function findIncident(options: FindIncidentOptions, context: JobContext): Promise<FindIncidentResult> {
	const steps = new StepRecorder(context.progress);
	const first = await steps.run(
		'Find base backup and WAL',
		async () => await chooseFirst(options, context),
		({ chosen, stretch }) => `${chosen.found.manifest.id}; ${stretch.from} to ${stretch.to}, ${chosen.records.length} objects of WAL.`,
	);
	const chain = await readChain(options.store, first.chosen.found.manifest);
	return await withChainInUse(options.store, context, chain, async (signal) => {
		const search = new Search(options, first, { ...context, signal }, steps);
		return await search.run();
	});
}

interface Stretch {
	readonly from: string;
	readonly to: string;
}

interface First {
	readonly chosen: ChosenBase;
	readonly stretch: Stretch;
}

/** The newest base backup before the stretch, with the log up to its end. */
async function chooseFirst(options: FindIncidentOptions, context: JobContext): Promise<First> {
	const target = (time: string | null): RecoveryTarget => (time === null ? { by: 'latest' } : { by: 'time', time });
	const common = { store: options.store, timeline: options.timeline };
	const early = await chooseBase({ ...common, base: options.base, target: target(options.from ?? options.to) }, context);
	const base = { by: 'id', id: early.found.manifest.id } as const;
	const chosen = options.from === null ? early : await chooseBase({ ...common, base, target: target(options.to) }, context);
	const { window } = chosen.wal;
	const stretch = { from: options.from ?? window.from, to: options.to ?? window.to ?? window.lastCommitAt ?? window.from };
	if (microseconds(stretch.from) >= microseconds(stretch.to)) throw new BackupError('INVALID_INPUT', `There is nothing between ${stretch.from} and ${stretch.to}.`, 'Give a moment when all was well, and a later one when the damage was there.');
	return { chosen, stretch };
}

class Search {
	private readonly at;
	private readonly asked: Asked[] = [];
	private recoveries = 0;
	private commits: CommitSeries | undefined;

	constructor(
		private readonly options: FindIncidentOptions,
		private readonly first: First,
		private readonly context: JobContext,
		private readonly steps: StepRecorder,
	) {
		this.at = places(options.folder);
	}

	async run(): Promise<FindIncidentResult> {
		const { options, context, first } = this;
		const { manifest } = first.chosen.found;
		const major = sourceOf(manifest, 'postgres').serverMajor;
		const chain = await readChain(options.store, manifest);
		const recovery = { store: options.store, base: options.base, target: { by: 'latest' }, inclusive: true, timeline: options.timeline, folder: options.folder, destination: { mode: 'startHere', serverFolder: options.serverFolder }, user: options.user, checkPages: false, dryRun: false } as const;
		const checks = await this.steps.run('Check', async () => await checkRecovery({ ...recovery, ...first.chosen, chain, major }, context), (made) => `${made.length} points were checked.`);
		throwIfFailed(checks, 'The search did not begin');
		await mkdir(options.folder, { recursive: true, mode: 0o700 });
		await chmod(options.folder, 0o700);
		try {
			const commits = await this.steps.run('Lay out the WAL', async () => await this.layOutLog(major), ({ seen, length }) => `${seen} transactions were committed; ${length} moments can be told apart.`);
			if (commits.length === 0) throw new BackupError('INVALID_INPUT', `Nothing was committed between ${first.stretch.from} and ${first.stretch.to}.`, 'Give a longer stretch of time.');
			return await this.search(commits, major);
		} finally {
			// Whatever a cancelled job's signal says, no server may be left behind.
			await stopServerOf(this.at.data, AbortSignal.timeout(120_000));
			for (const name of await readdir(options.folder)) await rm(join(options.folder, name), { recursive: true, force: true });
		}
	}

	private async layOutLog(major: number): Promise<CommitSeries> {
		const { options, context, first, at } = this;
		const { found, wal, records } = first.chosen;
		const base = baseDetails(found.manifest);
		await writeRecoveryRecord(options.folder, { formatVersion: 1, state: 'preparing', backup: found.manifest.id, source: found.manifest.source.name, systemIdentifier: base.systemIdentifier, serverMajor: major, target: { by: 'latest' }, startedAt: context.now().toISOString(), server: null, reached: null });
		const guard = new TablespaceGuard(base, wal.timeline, { by: 'time', time: first.stretch.to });
		const commits = new CommitSeries(base, wal.timeline, first.stretch);
		await layOutWal(options.store, records, at.wal, context, (bytes) => {
			guard.push(bytes);
			commits.push(bytes);
		});
		this.commits = commits;
		return commits;
	}

	/** Sound at `sound`, damaged at `damaged`: numbers of commits that are in; one more than all: nobody knows yet. */
	private async search(commits: CommitSeries, major: number): Promise<FindIncidentResult> {
		const none = commits.length + 1;
		let backs = backsFor(none, this.options.mostRecoveries - 1);
		let sound = 0;
		let damaged = none;
		let server = await this.recover(this.stopAt(0), major);
		if (await this.ask(server, 0)) {
			throw new BackupError('INVALID_INPUT', `The damage is already there just before ${commits.at(0).at}, where the search begins.`, 'Begin earlier: give a moment when all was well, or an older base backup.');
		}
		while (damaged - sound > 1) {
			const back = server.standsAt > sound;
			if (back) backs -= 1;
			const middle = sound + splitOutcomes(damaged - sound, backs);
			this.context.progress({ step: `Searching between ${this.momentOf(sound)} and ${this.momentOf(damaged)}: ${questionsFor(damaged - sound, backs)} questions at most` });
			const stop = this.stopAt(middle);
			if (back) server = await this.recover(stop, major);
			else await moveTarget(this.at.data, stop.lsn, stop.inclusive);
			if (await this.ask(server, middle)) damaged = middle;
			else sound = middle;
		}
		return this.result(commits, damaged === none ? undefined : damaged - 1);
	}

	private momentOf(position: number): string {
		const { commits } = this;
		if (!commits || position > commits.length) return this.first.stretch.to;
		return position === 0 ? this.first.stretch.from : commits.at(position - 1).at;
	}

	/** With so many commits in. */
	private stopAt(position: number): StopAt {
		const commit = (this.commits as CommitSeries).at(Math.max(position - 1, 0));
		return { lsn: commit.lsn, inclusive: position > 0 };
	}

	/** Lays out the newest base backup before a place, in the place of what the folder held. */
	private async recover(stop: StopAt, major: number): Promise<Standing> {
		const { options, context, at, first } = this;
		const number = ++this.recoveries;
		await rm(at.data, { recursive: true, force: true });
		await rm(at.tablespaces, { recursive: true, force: true });
		// The log is laid out from the first one's start on, so no older one will do.
		const chosen = number === 1 ? first.chosen : await this.newestBefore(stop);
		const chain = await readChain(options.store, chosen.found.manifest);
		await this.steps.run(
			`Recovery ${number}`,
			async () => await this.layOutBase(chosen, chain),
			({ bytes }) => `${chosen.found.manifest.id}, ${bytes} bytes.`,
		);
		const control = await readControlFile(at.data);
		const base = baseDetails(chosen.found.manifest);
		const socketFolder = await shortSocketFolder(options.folder);
		await writeRecoverySettings(at.data, { target: { by: 'lsn', lsn: stop.lsn }, inclusive: stop.inclusive, timeline: first.chosen.wal.timeline, socketFolder, control, overNetwork: false, pause: true });
		const account = await serverAccount();
		await giveTo(options.folder, account, context.signal);
		const program = await findServer(major, options.serverFolder, context.signal);
		const users = options.user === '' ? await superuserNames(at.data, base.blockBytes) : [options.user];
		return { standsAt: -1, number, program: program.path, dataFolder: at.data, socketFolder, logFile: at.log, account, users, segments: first.chosen.records.length };
	}

	private async layOutBase(chosen: ChosenBase, chain: readonly Manifest[]): Promise<LaidOut> {
		const { options, context, at, first } = this;
		const layOut = async (signal: AbortSignal) => await layOutDataDirectory(options.store, chain, { dataFolder: at.data, tablespaceFolder: (oid) => join(at.tablespaces, String(oid)) }, { ...context, signal });
		// The first one's chain is marked as in use all the time.
		return chosen.found.manifest.id === first.chosen.found.manifest.id ? await layOut(context.signal) : await withChainInUse(options.store, context, chain, layOut);
	}

	private async newestBefore({ lsn }: StopAt): Promise<ChosenBase> {
		const { chosen } = this.first;
		const { source } = chosen.found.manifest;
		// Who names a base backup may have a reason not to trust another.
		if (this.options.base.by === 'id') return chosen;
		try {
			return await chooseBase({ store: this.options.store, base: { by: 'newest', source: source.name }, target: { by: 'lsn', lsn }, timeline: chosen.wal.timeline }, this.context);
		} catch (error) {
			// One that was just removed, or a timeline that newer ones do not lead to: the first one still does.
			if (error instanceof BackupError && (error.code === 'TARGET_UNREACHABLE' || error.code === 'BACKUP_NOT_FOUND')) return chosen;
			throw error;
		}
	}

	private async ask(server: Standing, position: number): Promise<boolean> {
		const stop = this.stopAt(position);
		const commit = (this.commits as CommitSeries).at(Math.max(position - 1, 0));
		server.standsAt = position;
		const where = position === 0 ? `just before ${commit.at}` : `at ${commit.at}`;
		const damaged = await this.steps.run(
			`Ask ${where}`,
			async () => await withPausedServer(server, stop, this.context, async (connection) => await askDamaged(connection, this.options.question, this.context)),
			(answer) => (answer ? 'The damage is there.' : 'All is well.'),
		);
		this.asked.push({ at: commit.at, lsn: commit.lsn, before: position === 0, damaged, recovery: server.number });
		return damaged;
	}

	private result(commits: CommitSeries, index: number | undefined): FindIncidentResult {
		const { first, asked, recoveries, steps } = this;
		if (index === undefined) {
			const last = commits.at(commits.length - 1);
			throw new BackupError('INVALID_INPUT', `The damage does not show up to ${last.at}, the last of ${commits.seen} transactions that were looked at.`, 'Archive the newest WAL first, give a later end of the search, or check that the question tells what is wrong.');
		}
		const incident = commits.at(index);
		const before: Commit | null = index === 0 ? null : commits.at(index - 1);
		return {
			incident,
			exact: commits.stride === 1,
			lastSound: before,
			target: { by: 'lsn', lsn: incident.lsn },
			stretch: first.stretch,
			commits: commits.seen,
			recoveries,
			asked,
			backup: first.chosen.found.summary,
			timeline: first.chosen.wal.timeline,
			steps: steps.steps,
			sentence: describe(incident, before, commits, recoveries, asked.length),
		};
	}
}

/** A laid-out server, and how many commits are in it. */
interface Standing extends PausedServerOptions {
	standsAt: number;
	readonly number: number;
}

function describe(incident: Commit, before: Commit | null, { stride, seen }: CommitSeries, recoveries: number, questions: number): string {
	const which = stride === 1 ? `Transaction ${incident.xid}, committed at ${incident.at}, brought the damage.` : `One of the ${stride} transactions up to ${incident.at} brought the damage.`;
	const sound = before === null ? 'Nothing was committed before it in this stretch.' : `All was well at ${before.at}.`;
	return `${which} ${sound} ${questions} questions to ${recoveries === 1 ? 'one recovery' : `${recoveries} recoveries`}, ${seen} transactions.`;
}
