/** How the paths in the database's rows become paths relative to the folder that they are compared with. */
export interface PathMapping {
	/** What rows have in front of the path, e.g. `/uploads/` or `https://cdn.example.com/`; a row without it is unusable. */
	readonly stripPrefix: string;
	/** Rows hold parts of URLs: `%20` means a space. */
	readonly urlDecode: boolean;
}

export type MappedPath = { readonly path: string } | { readonly problem: string } | { readonly empty: true };

/**
 * A row's value as a relative path with single slashes. It is only ever compared with names, never opened; one that leads out of
 * the folder is reported all the same, because an application that opens it has a problem.
 */
export function mapPath(value: string | null, mapping: PathMapping): MappedPath {
	if (value === null || value === '') return { empty: true };
	if (!value.startsWith(mapping.stripPrefix)) return { problem: `it does not begin with ${JSON.stringify(mapping.stripPrefix)}` };
	let path: string | undefined = value.slice(mapping.stripPrefix.length);
	if (mapping.urlDecode) path = decoded(path);
	if (path === undefined) return { problem: 'it is not valid URL encoding' };
	if (path.includes('\0')) return { problem: 'it holds a zero byte' };
	if (path.startsWith('/') && mapping.stripPrefix === '') return { problem: 'it is an absolute path: give what is in front of it as the prefix to strip' };
	const parts = path.split('/').filter((part) => part !== '' && part !== '.');
	if (parts.includes('..')) return { problem: 'it leads out of the folder' };
	return parts.length === 0 ? { problem: 'it names no file' } : { path: parts.join('/') };
}

function decoded(text: string): string | undefined {
	try {
		return decodeURIComponent(text);
	} catch {
		return undefined;
	}
}
