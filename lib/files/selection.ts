import picomatch from 'picomatch';
import { BackupError } from '../core/errors';
import { type BytePath, pathText } from './byte-path';

export interface Patterns {
	/** Empty: everything. */
	readonly include: readonly string[];
	readonly exclude: readonly string[];
}

/** Which paths of a tree are wanted. */
export interface Selection {
	/** Neither it nor a folder above it may be looked at. Only asked of paths whose folders are not excluded. */
	excludes(path: BytePath): boolean;
	/** It is wanted by itself, or lies in a folder that is. */
	includes(path: BytePath): boolean;
	/** Without patterns all is wanted. */
	readonly everything: boolean;
}

/**
 * Patterns as people know them from shells and .gitignore: `*` within a name, `**` over folders, `?`, `[abc]`, `{a,b}`, relative to the
 * folder. One without a slash matches a name at any depth (`*.tmp`); one with a slash the whole path (`cache/**`, `2026/*.pdf`). A folder that
 * matches stands for everything in it. Names that begin with a dot are like any other. Case counts.
 * @throws BackupError `INVALID_INPUT` for a pattern that can match nothing
 */
export function selection(patterns: Patterns): Selection {
	const include = patterns.include.map(matcher);
	const exclude = patterns.exclude.map(matcher);
	const matches = (tests: readonly Matcher[], path: BytePath) => tests.length > 0 && someMatch(tests, pathText(path));
	return {
		everything: include.length === 0 && exclude.length === 0,
		excludes: (path) => path !== '' && matches(exclude, path),
		includes: (path) => include.length === 0 || withFolders(path).some((each) => matches(include, each)),
	};
}

type Matcher = (path: string, name: string) => boolean;

function someMatch(tests: readonly Matcher[], path: string): boolean {
	const name = path.slice(path.lastIndexOf('/') + 1);
	return tests.some((test) => test(path, name));
}

function matcher(pattern: string): Matcher {
	const plain = pattern.replace(/^\.?\/+/, '').replace(/\/+$/, '');
	if (plain === '' || pattern.includes('\0') || plain.split('/').includes('..')) {
		throw new BackupError('INVALID_INPUT', `The pattern ${JSON.stringify(pattern)} can match nothing.`, 'Patterns are relative to the folder, e.g. "cache/**" or "*.tmp".');
	}
	// A "!" in front would match everything else, which surprises in a list.
	const test = picomatch(plain, { dot: true, nonegate: true, strictSlashes: true });
	// A leading slash binds it to the top, as in .gitignore.
	if (plain.includes('/') || pattern.startsWith('/')) return (path) => test(path);
	return (_path, name) => test(name);
}

/** The path and every folder above it, top first. */
function withFolders(path: BytePath): BytePath[] {
	const paths: BytePath[] = [];
	for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) paths.push(path.slice(0, at));
	paths.push(path);
	return paths;
}

/** Whether a path is wanted, whatever order paths are asked for: neither it nor a folder above it is excluded, and it is included. */
export function isWanted(chosen: Selection, path: BytePath): boolean {
	return chosen.everything || (!withFolders(path).some((each) => chosen.excludes(each)) && chosen.includes(path));
}
