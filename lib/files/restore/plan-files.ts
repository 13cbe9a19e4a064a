import { throwIfAborted } from '../../core/errors';
import type { BigIntStats } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { type BytePath, isBelow, parentPath, pathText, quotePath } from '../byte-path';
import { nanoseconds } from '../file-time';
import type { FileEntry, HardlinkEntry, IndexEntry } from '../index-entry';
import { digestFile, realFiles } from '../read-file';
import { type Mark, MarkWriter } from './path-marks';
import { destination, type RestoreSession, wantedEntries } from './session';

/** What is to be done, counted, and the little that later steps cannot see from one entry alone. */
export interface FilesPlan {
	create: number;
	replace: number;
	same: number;
	keep: number;
	folders: number;
	links: number;
	bytes: number;
	/** Symbolic links that lead out of the folder. */
	outward: number;
	/** Why the restore cannot be done; the first few. */
	readonly conflicts: string[];
	/** Ids of the backups whose archives hold wanted contents. */
	readonly carriers: Map<string, { files: number; bytes: number }>;
	/** Further names whose first name is not restored: the first of them gets the content. By the first name's path. */
	readonly substitutes: Map<BytePath, HardlinkEntry>;
	/** What a further name is linked to, where it is not its first name. */
	readonly linkSources: Map<BytePath, BytePath>;
}

const MOST_CONFLICTS = 20;

type Decision = 'create' | 'replace' | Mark;

/** Goes through the index once and decides about every wanted entry; changes nothing but the marks in the work folder. */
export async function planFiles(session: RestoreSession, caseSensitive: boolean): Promise<FilesPlan> {
	const planner = new Planner(session, caseSensitive);
	const marks = new MarkWriter(session.marksFile);
	try {
		let seen = 0;
		for await (const entry of wantedEntries(session)) {
			throwIfAborted(session.context.signal);
			const mark = await planner.accept(entry);
			if (mark) await marks.add(entry.path, mark);
			seen += 1;
			session.context.progress({ step: 'Comparing with what is there', done: seen, unit: 'files' });
		}
		await marks.close();
		return planner.plan;
	} finally {
		marks.abandon();
	}
}

class Planner {
	readonly plan: FilesPlan = {
		create: 0,
		replace: 0,
		same: 0,
		keep: 0,
		folders: 0,
		links: 0,
		bytes: 0,
		outward: 0,
		conflicts: [],
		carriers: new Map(),
		substitutes: new Map(),
		linkSources: new Map(),
	};
	/** Files with several names that will not be as in the index: by the policy, or because they are not wanted. */
	private readonly firsts = new Map<BytePath, Decision>();
	private readonly folded: FoldedNames | undefined;
	/** A folder that is not there yet holds nothing, so there is no need to look. */
	private absent: BytePath | undefined;

	constructor(
		private readonly session: RestoreSession,
		caseSensitive: boolean,
	) {
		if (!caseSensitive) this.folded = new FoldedNames();
	}

	/** @returns the mark that later steps need, if any */
	async accept(entry: IndexEntry): Promise<Mark | undefined> {
		const twin = this.folded?.twin(entry.path);
		if (twin !== undefined) this.conflict(`${quotePath(entry.path)} and ${quotePath(twin)} are one name there, because the target does not tell upper from lower case`);
		const existing = await this.look(entry);
		if (entry.type === 'directory') return this.folder(entry, existing);
		const decision = await this.decide(entry, existing);
		this.count(entry, decision);
		return decision === 'kept' || decision === 'same' ? decision : undefined;
	}

	private async look(entry: IndexEntry): Promise<BigIntStats | undefined> {
		const place = destination(this.session, entry);
		if (this.absent !== undefined && (place === this.absent || place.startsWith(`${this.absent}/`))) return undefined;
		const stats = await this.session.target.look(place);
		if (stats === undefined && entry.type === 'directory') this.absent = place;
		return stats;
	}

	private folder(entry: IndexEntry, existing: BigIntStats | undefined): Mark | undefined {
		this.plan.folders += 1;
		if (existing === undefined) return undefined;
		if (existing.isDirectory()) return this.session.overwrite === 'always' ? undefined : 'kept';
		if (this.session.overwrite !== 'always') this.conflict(`${quotePath(entry.path)} is a folder in the backup and ${kindOf(existing)} in the target`);
		else this.plan.replace += 1;
		this.absent = entry.path;
		return undefined;
	}

	private async decide(entry: Exclude<IndexEntry, { type: 'directory' }>, existing: BigIntStats | undefined): Promise<Decision> {
		if (existing === undefined) return 'create';
		if (existing.isDirectory()) {
			if (this.session.overwrite !== 'always') this.conflict(`${quotePath(entry.path)} is a ${entry.type} in the backup and a folder in the target`);
			return 'replace';
		}
		if (await this.isSame(entry, existing)) return 'same';
		switch (this.session.overwrite) {
			case 'never':
				return 'kept';
			case 'older':
				return existing.mtimeNs < (nanoseconds(entry.mtime) ?? 0n) ? 'replace' : 'kept';
			case 'always':
				return 'replace';
		}
	}

	private async isSame(entry: Exclude<IndexEntry, { type: 'directory' }>, existing: BigIntStats): Promise<boolean> {
		const { target, context } = this.session;
		const place = destination(this.session, entry);
		switch (entry.type) {
			case 'symlink':
				return existing.isSymbolicLink() && (await readlink(await target.place(place), { encoding: 'latin1' })) === entry.target;
			case 'file': {
				// Two names of one file here may be two files in the backup.
				if (!existing.isFile() || existing.size !== BigInt(entry.size) || (existing.nlink > 1n && entry.nlink === 1)) return false;
				const digest = await digestFile(realFiles, target.root, place, context.signal);
				return digest?.sha256 === entry.sha256;
			}
			case 'hardlink': {
				const first = this.firsts.get(entry.target) === 'same' ? await target.look(destination(this.session, { path: entry.target, type: 'file' })) : undefined;
				return first !== undefined && first.dev === existing.dev && first.ino === existing.ino;
			}
		}
	}

	private count(entry: Exclude<IndexEntry, { type: 'directory' }>, decision: Decision): void {
		const { plan } = this;
		plan[decision === 'kept' ? 'keep' : decision] += 1;
		switch (entry.type) {
			case 'symlink':
				plan.links += 1;
				if (leadsOut(entry.path, entry.target)) plan.outward += 1;
				return;
			case 'file':
				if (entry.nlink > 1) this.firsts.set(entry.path, decision);
				if (decision === 'create' || decision === 'replace') this.carry(entry.in, entry.size);
				return;
			case 'hardlink': {
				plan.links += 1;
				if (decision !== 'create' && decision !== 'replace') return;
				const first = this.firsts.get(entry.target);
				if (first !== undefined && first !== 'kept') return;
				const substitute = plan.substitutes.get(entry.target);
				if (substitute) plan.linkSources.set(entry.path, substitute.path);
				else {
					plan.substitutes.set(entry.target, entry);
					plan.bytes += entry.size;
				}
				return;
			}
		}
	}

	private carry(id: string, bytes: number): void {
		const carrier = this.plan.carriers.get(id) ?? { files: 0, bytes: 0 };
		carrier.files += 1;
		carrier.bytes += bytes;
		this.plan.carriers.set(id, carrier);
		this.plan.bytes += bytes;
	}

	private conflict(text: string): void {
		if (this.plan.conflicts.length < MOST_CONFLICTS) this.plan.conflicts.push(text);
	}
}

/** The content of files that are not wanted themselves but whose further names are. @returns the entries that carry it */
export function substituted(plan: FilesPlan, entry: IndexEntry): entry is FileEntry {
	return entry.type === 'file' && plan.substitutes.has(entry.path);
}

function kindOf(stats: BigIntStats): string {
	if (stats.isSymbolicLink()) return 'a symbolic link';
	return stats.isFile() ? 'a file' : 'something special';
}

/** Whether a symbolic link leads out of the folder, as far as its text tells. */
function leadsOut(path: BytePath, target: BytePath): boolean {
	if (target.startsWith('/')) return true;
	let depth = parentPath(path) === '' ? 0 : parentPath(path).split('/').length;
	for (const part of target.split('/')) {
		if (part === '..') depth -= 1;
		else if (part !== '' && part !== '.') depth += 1;
		if (depth < 0) return true;
	}
	return false;
}

/** Finds names in one folder that differ in case, or in how accents are composed, only. */
class FoldedNames {
	private readonly open: { readonly folder: BytePath; readonly names: Map<string, BytePath> }[] = [];

	twin(path: BytePath): BytePath | undefined {
		if (path === '') return undefined;
		const folder = parentPath(path);
		for (let last = this.open.at(-1); last && last.folder !== folder && !isBelow(folder, last.folder); last = this.open.at(-1)) this.open.pop();
		if (this.open.at(-1)?.folder !== folder) this.open.push({ folder, names: new Map() });
		const names = this.open.at(-1)?.names as Map<string, BytePath>;
		const key = pathText(path).normalize('NFC').toLowerCase();
		const known = names.get(key);
		if (known === undefined) names.set(key, path);
		return known;
	}
}
