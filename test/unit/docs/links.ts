import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { withoutBlocks } from './calls';

/** Targets of the links and pictures of a page that lead to something in this repository. */
export function linksIn(text: string): string[] {
	const prose = withoutBlocks(text).replace(/`[^`\n]*`/g, '``');
	return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));
}

/** Whether the link of a page (both relative to `root`) leads to a file, and to one of its headings where it names one. */
export function resolves(root: string, page: string, link: string): boolean {
	const [path = '', anchor] = link.split('#');
	const file = path === '' ? page : normalize(join(dirname(page), path));
	if (file.startsWith('..') || !existsSync(join(root, file))) return false;
	if (anchor === undefined) return true;
	return statSync(join(root, file)).isFile() && anchorsOf(readFileSync(join(root, file), 'utf8')).has(anchor);
}

/** The anchors that GitHub and npm give to a page's headings. */
function anchorsOf(text: string): Set<string> {
	const anchors = new Set<string>();
	for (const [, heading = ''] of withoutBlocks(text).matchAll(/^#{1,6} +(.+?) *$/gm)) {
		const slug = heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replace(/ /g, '-');
		let anchor = slug;
		for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
		anchors.add(anchor);
	}
	return anchors;
}
