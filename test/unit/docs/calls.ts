import type { Command } from '../../../cli/command';
import { commands } from '../../../cli/main';
import { outputOptions } from '../../../cli/options';

/** One call of the command line that a page names: its first word, and the rest up to the end of the line or the code. */
export interface NamedCall {
	readonly word: string;
	readonly rest: string;
}

const PROGRAM = /(?:^|[\s`$("/])backup-recovery(?:\.cjs)?[ \t]+(?!&)([a-z][a-z0-9-]*|--help|\[?[A-Z]+\]?)([^`]*)/;

/** Every inline code of a page, and every line of its code blocks (a line that ends in a backslash with the next). */
export function codeIn(text: string): string[] {
	const inline = withoutBlocks(text);
	return [...[...inline.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code), ...blocksOf(text).flatMap((block) => block.replace(/\\\n\s*/g, ' ').split('\n'))];
}

/** The page without its code blocks. */
export function withoutBlocks(text: string): string {
	return text.replace(/^[ \t]*```[\s\S]*?^[ \t]*```[ \t]*$/gm, '');
}

/** Calls of `backup-recovery` in the code of a page, without the comments of a shell. */
export function callsIn(text: string): NamedCall[] {
	return codeIn(text).flatMap((code) => {
		const [, word, rest = ''] = PROGRAM.exec(code.replace(/\s#\s.*$/, '')) ?? [];
		return word === undefined ? [] : [{ word, rest }];
	});
}

/** What of a call the command line does not know, in words; empty when all is well. */
export function unknownIn({ word, rest }: NamedCall): string[] {
	if (word === '--help' || /^\[?[A-Z]+\]?$/.test(word)) return [];
	const command = commands.find(({ name }) => name === word);
	if (command === undefined) return [`there is no command ${word}`];
	return [...rest.matchAll(/(?:^|[\s[(])(--[a-z][a-z0-9-]*|-[a-z]\b)/g)].flatMap(([, option = '']) => (knows(command, option) ? [] : [`${word} has no option ${option}`]));
}

function knows(command: Command, option: string): boolean {
	const all = { ...command.options, ...outputOptions } as Command['options'];
	return option.startsWith('--') ? option.slice(2) in all : Object.values(all).some(({ short }) => short === option.slice(1));
}

function blocksOf(text: string): string[] {
	return [...text.matchAll(/^[ \t]*```[^\n]*\n([\s\S]*?)^[ \t]*```[ \t]*$/gm)].map(([, block = '']) => block);
}
