import { isDeepStrictEqual } from 'node:util';
import { translateWorkflow, type WorkflowJson } from './translate-workflow';
import type { Words } from './words';

/** English to another language; `names` are those of nodes, `same` are the names and texts that are the same in both. Notes are translated line by line. */
export interface Messages {
	readonly names: Readonly<Record<string, string>>;
	readonly texts: Readonly<Record<string, string>>;
	readonly same: readonly string[];
}

export interface Translation {
	readonly workflows: readonly WorkflowJson[];
	/** What the catalogue lacks, in its own form, to be filled in. */
	readonly missing: { readonly names: readonly string[]; readonly texts: readonly string[] };
	/** Entries that no workflow holds any more. */
	readonly unused: { readonly names: readonly string[]; readonly texts: readonly string[] };
	/** Entries that say the same as the English without being listed as `same`, and what is listed there in vain. */
	readonly untranslated: readonly string[];
}

/** All workflows in the catalogue's language; what it does not have stays English and is told. */
export function translateAll(workflows: readonly WorkflowJson[], messages: Messages): Translation {
	const names = new Lookup(messages.names);
	const texts = new Lookup(messages.texts);
	const words: Words = { name: (english) => names.get(english, true), text: (english, required) => texts.get(english, required) };
	const translated = workflows.map((workflow) => translateWorkflow(workflow, words));
	return {
		workflows: translated,
		missing: { names: [...names.missing], texts: [...texts.missing] },
		unused: { names: names.unused(), texts: texts.unused() },
		untranslated: wronglySame(messages),
	};
}

/** Whether a catalogue has everything and nothing too much. */
export function isComplete({ missing, unused, untranslated }: Translation): boolean {
	return isDeepStrictEqual([missing, unused, untranslated], [{ names: [], texts: [] }, { names: [], texts: [] }, []]);
}

class Lookup {
	readonly missing = new Set<string>();
	private readonly used = new Set<string>();
	private readonly entries: ReadonlyMap<string, string>;

	constructor(entries: Readonly<Record<string, string>>) {
		this.entries = new Map(Object.entries(entries));
	}

	get(english: string, required: boolean): string {
		const translated = this.entries.get(english);
		if (translated !== undefined) this.used.add(english);
		else if (required) this.missing.add(english);
		return translated ?? english;
	}

	unused(): string[] {
		return [...this.entries.keys()].filter((english) => !this.used.has(english));
	}
}

function wronglySame({ names, texts, same }: Messages): string[] {
	const equal = new Set([...Object.entries(names), ...Object.entries(texts)].flatMap(([english, translated]) => (english === translated ? [english] : [])));
	const listed = new Set(same);
	return [...[...equal].filter((english) => !listed.has(english)), ...same.filter((english) => !equal.has(english))];
}
