import { constants } from 'node:fs';
import { access, unlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import type { PostgresConnection } from '../../postgres/connection-settings';
import type { Store } from '../../storage/store';
import type { Component } from '../../catalog/component';
import type { BackupChoice } from '../../catalog/find-backup';
import { bytePath, pathText } from '../../files/byte-path';
import { selection } from '../../files/selection';
import { filesOf } from './files-of';
import { Finding, type FindingSummary } from './finding';
import { mapPath, type PathMapping } from './map-path';
import { PathBuckets } from './path-buckets';
import { readRowPaths } from './row-paths';

/** Where the files are: in a folder, or listed in the index of a backup of files. */
export type FilesSide =
	| { readonly by: 'folder'; readonly folder: string }
	| { readonly by: 'backup'; readonly store: Store; readonly component: Component; readonly backup: BackupChoice };

export interface CrossCheckOptions extends PathMapping {
	readonly connection: PostgresConnection;
	readonly database: string;
	/** A SELECT with one column: the path of a file in each row. */
	readonly sql: string;
	readonly statementTimeoutSeconds: number;
	readonly files: FilesSide;
	/** Only what is in this folder of the files counts, and rows are relative to it; empty: all. */
	readonly inside: string;
	/** Files that need no row, by patterns as in an archive of files, relative to the folder: `thumbnails/**`, `*.tmp`. */
	readonly ignore: readonly string[];
	/** How many of each difference the result names. */
	readonly listLimit: number;
	/** Absolute path of an existing folder in which the whole lists are put; null: nowhere. */
	readonly listsFolder: string | null;
	/** Fail with `PROOF_MISMATCH` when there is any difference. */
	readonly failWhenDifferent: boolean;
}

export interface CrossCheckResult {
	readonly checkedAt: string;
	/** What the rows were compared with. */
	readonly files: string;
	readonly rows: number;
	/** Rows without a value. */
	readonly emptyRows: number;
	readonly fileCount: number;
	/** Files that at least one row names. */
	readonly matched: number;
	readonly ignoredFiles: number;
	readonly equal: boolean;
	/** Paths that rows name and that are not there; each once. */
	readonly rowsWithoutFiles: FindingSummary;
	readonly filesWithoutRows: FindingSummary;
	/** Rows whose value can be no file of the folder, with the reason. */
	readonly unusableRows: FindingSummary;
	readonly sentence: string;
}

/**
 * Compares the file paths that a database knows with the files that there are. Reads both sides once and changes neither; memory
 * stays flat at any number of rows and files, the paths lie in the work folder meanwhile.
 * @throws BackupError `PROOF_MISMATCH` when asked to; `INVALID_INPUT`; the server's and the file system's errors
 */
export async function crossCheck(options: CrossCheckOptions, context: JobContext): Promise<CrossCheckResult> {
	if (options.listsFolder !== null) await requireFolder(options.listsFolder);
	const findings = openFindings(options, context);
	const rows = await PathBuckets.create(join(context.workFolder, 'cross-check-rows'));
	const files = await PathBuckets.create(join(context.workFolder, 'cross-check-files'));
	try {
		const rowCounts = await gatherRows(options, context, rows, findings.unusableRows).finally(async () => await rows.close());
		const fileCounts = await gatherFiles(options, context, files).finally(async () => await files.close());
		const matched = await compare(rows, files, findings, context);
		const result = {
			checkedAt: context.now().toISOString(),
			...rowCounts,
			...fileCounts,
			matched,
			rowsWithoutFiles: await findings.rowsWithoutFiles.finish(),
			filesWithoutRows: await findings.filesWithoutRows.finish(),
			unusableRows: await findings.unusableRows.finish(),
		};
		const sentence = describe(result);
		const equal = result.rowsWithoutFiles.count + result.filesWithoutRows.count + result.unusableRows.count === 0;
		if (!equal && options.failWhenDifferent) throw different(sentence, result);
		return { ...result, equal, sentence };
	} catch (error) {
		await removePartialLists(findings);
		throw error;
	}
}

/** @throws BackupError `INVALID_INPUT` before anything is read, rather than at the end */
async function requireFolder(folder: string): Promise<void> {
	const problem = async (): Promise<string | undefined> => {
		if (!isAbsolute(folder)) return 'is not an absolute path';
		try {
			await access(folder, constants.W_OK | constants.X_OK);
			return undefined;
		} catch (error) {
			return `cannot be written to (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`;
		}
	};
	const found = await problem();
	if (found === undefined) return;
	throw new BackupError('INVALID_INPUT', `The folder for the lists, ${folder}, ${found}.`, 'Name a folder that exists, by its absolute path, and that the user who runs the job may write to.');
}

interface Findings {
	readonly rowsWithoutFiles: Finding;
	readonly filesWithoutRows: Finding;
	readonly unusableRows: Finding;
	readonly partial: readonly string[];
}

function openFindings({ listLimit, listsFolder }: CrossCheckOptions, context: JobContext): Findings {
	const stamp = `${context.now().toISOString().replace(/[-:]|\.\d+/g, '')}-${context.randomBytes(3).toString('hex')}`;
	const list = (name: string) => (listsFolder === null ? null : join(listsFolder, `cross-check-${stamp}-${name}.jsonl`));
	const lists = { rows: list('rows-without-files'), files: list('files-without-rows'), unusable: list('unusable-rows') };
	return {
		rowsWithoutFiles: new Finding(listLimit, lists.rows),
		filesWithoutRows: new Finding(listLimit, lists.files),
		unusableRows: new Finding(listLimit, lists.unusable),
		partial: Object.values(lists).flatMap((path) => (path === null ? [] : [`${path}.partial`])),
	};
}

async function gatherRows(options: CrossCheckOptions, context: JobContext, into: PathBuckets, unusable: Finding): Promise<{ rows: number; emptyRows: number }> {
	let rows = 0;
	let emptyRows = 0;
	await readRowPaths({ ...options, signal: context.signal }, async (value) => {
		rows++;
		if (rows % 1000 === 0) context.progress({ step: 'Reading the paths in the database', done: rows, unit: 'rows' });
		const mapped = mapPath(value, options);
		if ('empty' in mapped) emptyRows++;
		else if ('problem' in mapped) await unusable.add(`${value ?? ''}: ${mapped.problem}`);
		else await into.add(bytePath(mapped.path));
	});
	return { rows, emptyRows };
}

async function gatherFiles(options: CrossCheckOptions, context: JobContext, into: PathBuckets): Promise<{ files: string; fileCount: number; ignoredFiles: number }> {
	const ignored = selection({ include: options.ignore, exclude: [] });
	const inside = bytePath(options.inside.replace(/^\/+|\/+$/g, ''));
	let fileCount = 0;
	let ignoredFiles = 0;
	const { description, paths } = await filesOf(options.files, context);
	for await (const path of paths) {
		if (inside !== '' && !path.startsWith(`${inside}/`)) continue;
		const relative = inside === '' ? path : path.slice(inside.length + 1);
		if (options.ignore.length > 0 && ignored.includes(relative)) {
			ignoredFiles++;
			continue;
		}
		fileCount++;
		if (fileCount % 1000 === 0) context.progress({ step: `Listing ${description}`, done: fileCount, unit: 'files' });
		await into.add(relative);
	}
	return { files: inside === '' ? description : `${pathText(inside)} in ${description}`, fileCount, ignoredFiles };
}

/** @returns how many files have a row */
async function compare(rows: PathBuckets, files: PathBuckets, findings: Findings, context: JobContext): Promise<number> {
	let matched = 0;
	for (let bucket = 0; bucket < PathBuckets.count; bucket++) {
		throwIfAborted(context.signal);
		context.progress({ step: 'Comparing rows and files', done: bucket, total: PathBuckets.count, unit: 'steps' });
		const wanted = new Set<string>();
		for await (const path of rows.read(bucket)) wanted.add(path);
		for await (const path of files.read(bucket)) {
			if (wanted.delete(path)) matched++;
			else await findings.filesWithoutRows.add(pathText(path));
		}
		for (const path of wanted) await findings.rowsWithoutFiles.add(pathText(path));
	}
	return matched;
}

type Compared = Omit<CrossCheckResult, 'equal' | 'sentence'>;

function describe({ rows, fileCount, files, matched, rowsWithoutFiles, filesWithoutRows, unusableRows }: Compared): string {
	const read = `${rows} rows were compared with ${fileCount} files (${files}): ${matched} files have a row`;
	const differences = [
		`${rowsWithoutFiles.count} paths in rows have no file`,
		`${filesWithoutRows.count} files have no row`,
		...(unusableRows.count > 0 ? [`${unusableRows.count} rows hold what can be no file of it`] : []),
	];
	return `${read}, ${differences.join(', ')}.`;
}

function different(sentence: string, { rowsWithoutFiles, filesWithoutRows, unusableRows }: Compared): BackupError {
	const some = (label: string, { first, count }: FindingSummary) => (count === 0 ? [] : [`${label}: ${first.slice(0, 5).map((entry) => JSON.stringify(entry)).join(', ')}${count > 5 ? ', …' : ''}.`]);
	const named = [...some('Without a file', rowsWithoutFiles), ...some('Without a row', filesWithoutRows), ...some('Unusable', unusableRows)].join(' ');
	return new BackupError(
		'PROOF_MISMATCH',
		`The database and the files differ. ${sentence} ${named}`,
		'What changed between the two backups may differ: the span of the recovery point says from when to when. For the rest, restore missing files from an older backup, and see what removed them.',
	);
}

/** Lists that were not completed go; the error that ended the check is the one to report. */
async function removePartialLists(findings: Findings): Promise<void> {
	for (const finding of [findings.rowsWithoutFiles, findings.filesWithoutRows, findings.unusableRows]) await finding.close();
	for (const path of findings.partial) {
		await unlink(path).catch((error: unknown) => {
			if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
		});
	}
}
