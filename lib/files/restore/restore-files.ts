import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { withChainInUse } from '../../backup/use-chain';
import { readChain } from '../../catalog/chain';
import { findBackup, type FoundBackup } from '../../catalog/find-backup';
import type { Manifest } from '../../catalog/manifest';
import { sourceOf } from '../../catalog/source-of';
import type { JobContext } from '../../core/context';
import { BackupError, toBackupError } from '../../core/errors';
import { type RestoreCheck, StepRecorder } from '../../core/steps';
import { throwIfFailed } from '../../core/throw-if-failed';
import { type BytePath, bytePath } from '../byte-path';
import { readOwnerNames } from '../owner-names';
import { selection } from '../selection';
import { fetchIndex } from '../stored-index';
import { readArchive } from './archive-contents';
import { Attributes } from './attributes';
import { compareFolder } from './compare-folder';
import { FolderFiller } from './fill-folder';
import { KeptFolder } from './kept-folder';
import type { RestoreFilesOptions, RestoreFilesResult } from './options';
import { type FilesPlan, planFiles } from './plan-files';
import { findTarget, type FoundTarget, restoreChecks, tellsCase } from './restore-checks';
import type { RestoreSession } from './session';
import { TargetFolder } from './target-folder';
import { unknownPaths } from './unknown-files';

const RESTORABLE = ['full', 'incremental'] as const;

/**
 * Restores the files of a backup, through the whole chain that it needs. In place, every archive is read to its end and compared with its digests
 * before the first byte is written, and what is replaced is kept. Whatever was restored is read again and compared with the index.
 * @throws BackupError; `ARCHIVE_REFUSED` or `PATH_REFUSED` where an archive or the target would lead outside of the folder
 */
export async function restoreFiles(options: RestoreFilesOptions, context: JobContext): Promise<RestoreFilesResult> {
	checkOptions(options);
	const found = await findBackup(options.store, { component: options.component, kinds: RESTORABLE, choice: options.backup });
	sourceOf(found.manifest, 'files');
	const chain = await readChain(options.store, found.manifest);
	return await withChainInUse(options.store, context, chain, async (signal) => await restoreChain(options, found, chain, { ...context, signal }));
}

function checkOptions({ removeUnknown, include, exclude, suffix, mode }: RestoreFilesOptions): void {
	const wrong = (what: string, hint: string) => new BackupError('INVALID_INPUT', what, hint);
	if (removeUnknown && (mode !== 'inPlace' || include.length > 0 || exclude.length > 0 || suffix !== '')) {
		throw wrong('What the backup does not know can be removed only when all of it is restored in place.', 'Leave patterns and suffix out, or leave unknown files where they are.');
	}
	if (suffix.includes('/') || suffix.includes('\0')) throw wrong('The suffix holds a slash.', 'Use e.g. ".restored".');
}

async function restoreChain(options: RestoreFilesOptions, { manifest, summary }: FoundBackup, chain: readonly Manifest[], context: JobContext): Promise<RestoreFilesResult> {
	const steps = new StepRecorder(context.progress);
	const foundTarget = await findTarget(options);
	const target = new TargetFolder(bytePath(foundTarget.folder), `backup-recovery-${context.randomBytes(6).toString('hex')}`);
	const session: RestoreSession = {
		store: options.store,
		chain,
		indexFile: join(context.workFolder, 'index.gz'),
		marksFile: join(context.workFolder, 'marks.gz'),
		target,
		selection: selection(options),
		inPlace: options.mode === 'inPlace',
		overwrite: options.overwrite,
		suffix: bytePath(options.suffix),
		context,
	};
	await steps.run('Check the index', async () => await fetchIndex(options.store, manifest, session.indexFile, context), () => 'It is as it was written and describes a tree.');
	const plan = await steps.run('Compare with the target', async () => await planFiles(session, await tellsCase(foundTarget)), describePlan);
	const keptName = keptFolderName(context.now());
	const unknown = options.removeUnknown ? await countUnknown(session, keptName, context) : 0;
	const checks = await restoreChecks(options, foundTarget, plan);
	const result = {
		backup: summary,
		chain: chain.map(({ id }) => id),
		folder: foundTarget.folder,
		mode: options.mode,
		files: { create: plan.create, replace: plan.replace, same: plan.same, keep: plan.keep, folders: plan.folders, links: plan.links, bytes: plan.bytes, unknown },
		checks: checks.map(({ code: _, ...check }: RestoreCheck) => check),
	};
	const warnings = planWarnings(plan);
	if (options.dryRun) return { dryRun: true, ...result, keptFolder: null, plan: planSteps(options, chain, plan, unknown, foundTarget), steps: steps.steps, warnings };

	throwIfFailed(checks, 'The files cannot be restored');
	const kept = new KeptFolder(target, keptName);
	const attributes = new Attributes(options.owner, await readOwnerNames(), process.getuid?.() ?? 0, process.getgid?.() ?? 0);
	if (session.inPlace) {
		await steps.run('Check the archives', async () => await checkArchives(session, plan), (count) => `${count} archives were read to their end and are as they were written.`);
	}
	await guarded(session, foundTarget, kept, async () => {
		const filler = new FolderFiller(session, plan, attributes, kept, session.inPlace);
		await steps.run('Make folders', async () => await filler.makeFolders(), () => `${plan.folders} folders.`);
		await steps.run('Write files', async () => await filler.writeContents(), () => `${plan.bytes} bytes.`);
		await steps.run('Make links', async () => await filler.makeLinks(), () => `${plan.links} links.`);
		if (options.removeUnknown) await steps.run('Set unknown files aside', async () => await moveUnknown(session, kept, context), (count) => `${count} things that the backup does not know.`);
		await steps.run('Set modes and times of folders', async () => await filler.finishFolders(), () => `${plan.folders} folders.`);
		await steps.run('Compare with the index', async () => await compareFolder(session, plan, attributes), ({ files, bytes, others }) => `${files} files with ${bytes} bytes were read again and are equal, ${others} folders and links too.`);
	});
	if (attributes.ownersNotSet > 0) warnings.push(`${attributes.ownersNotSet} files, folders or links belong to the user who ran the job: only root may give them back to their owners.`);
	return { dryRun: false, ...result, keptFolder: kept.count > 0 ? join(foundTarget.folder, keptName) : null, plan: [], steps: steps.steps, warnings };
}

/** `.before-restore-20261122T143000Z` */
function keptFolderName(now: Date): BytePath {
	return `.before-restore-${now.toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '')}`;
}

async function countUnknown(session: RestoreSession, keptName: BytePath, context: JobContext): Promise<number> {
	let count = 0;
	for await (const path of unknownPaths(session, keptName, context)) if (path !== '') count += 1;
	return count;
}

/** The folder is read first and changed afterwards: what is moved must not confuse the walk. */
async function moveUnknown(session: RestoreSession, kept: KeptFolder, context: JobContext): Promise<number> {
	const paths: BytePath[] = [];
	for await (const path of unknownPaths(session, kept.name, context)) paths.push(path);
	for (const path of paths) await kept.take(path);
	return paths.length;
}

/** Nothing reaches a live folder before every archive that is needed has been read to its end. */
async function checkArchives({ chain, store, context }: RestoreSession, plan: FilesPlan): Promise<number> {
	const needed = chain.filter(({ id }) => plan.carriers.has(id) || plan.substitutes.size > 0);
	for (const member of needed) for await (const chunk of readArchive(store, member, context)) void chunk;
	return needed.length;
}

/** A restore beside that fails leaves nothing; one in place says where it stands. */
async function guarded(session: RestoreSession, found: FoundTarget, kept: KeptFolder, body: () => Promise<void>): Promise<void> {
	if (found.state === 'absent') await mkdir(found.folder, { mode: 0o700 });
	try {
		await body();
	} catch (error) {
		const problem = fileError(error, found.folder);
		if (session.inPlace) {
			const where = kept.count > 0 ? ` What was replaced so far is kept in ${join(found.folder, kept.name)}.` : '';
			throw new BackupError(problem.code, `${problem.message} The restore in place stopped on its way: every file is either as it was or as in the backup.${where}`, problem.hint, { cause: problem });
		}
		if (found.state === 'absent') await rm(found.folder, { recursive: true, force: true });
		else for (const name of await readdir(found.folder)) await rm(join(found.folder, name), { recursive: true, force: true });
		throw problem;
	}
}

function fileError(error: unknown, folder: string): BackupError {
	const code = (error as NodeJS.ErrnoException).code;
	if (error instanceof BackupError || typeof code !== 'string' || typeof (error as NodeJS.ErrnoException).syscall !== 'string') return toBackupError(error);
	const full = code === 'ENOSPC' || code === 'EDQUOT';
	return new BackupError(
		full ? 'NO_SPACE' : code === 'EACCES' || code === 'EPERM' ? 'PERMISSION_DENIED' : 'TARGET_NOT_WRITABLE',
		`Writing to ${folder} failed: ${(error as Error).message}.`,
		full ? 'Make room and restore again.' : 'See that the user that runs the job may change everything in the folder, then restore again.',
		{ cause: error },
	);
}

function describePlan(plan: FilesPlan): string {
	return `${plan.create} to create, ${plan.replace} to replace, ${plan.same} equal already, ${plan.keep} left as they are.`;
}

function planWarnings(plan: FilesPlan): string[] {
	return plan.outward === 0 ? [] : [`${plan.outward} symbolic links lead out of the folder. They are restored as they were, and nothing is written through them.`];
}

function planSteps(options: RestoreFilesOptions, chain: readonly Manifest[], plan: FilesPlan, unknown: number, target: FoundTarget): string[] {
	const replaced = plan.replace > 0 || unknown > 0;
	return [
		`Read ${chain.length === 1 ? `backup ${chain[0]?.id}` : `the chain ${chain.map(({ id }) => id).join(', ')}`}.`,
		...(options.mode === 'inPlace' ? ['Read every archive that is needed to its end before anything is changed.'] : []),
		`Write ${plan.create + plan.replace} files and links with ${plan.bytes} bytes into ${target.folder}: ${plan.create} new, ${plan.replace} in place of others.`,
		...(plan.keep > 0 ? [`Leave ${plan.keep} as they are.`] : []),
		...(plan.same > 0 ? [`Leave ${plan.same} that are equal already.`] : []),
		...(unknown > 0 ? [`Move ${unknown} things that the backup does not know out of the way.`] : []),
		...(replaced ? [`Keep what is replaced in a folder ".before-restore-…" inside ${basename(target.folder)}.`] : []),
		'Read everything that was restored again and compare it with the index.',
	];
}
