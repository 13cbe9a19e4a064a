import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INode } from 'n8n-workflow';
import { readCatalogue, translateShipped } from '../../../scripts/translation/shipped';
import { portugueseFiles, STICKY_NOTE, type WorkflowFile, workflowFiles } from './workflow-files';

const messages = readCatalogue();
const entries = Object.entries(messages.texts).map(([english, portuguese]) => ({ english, portuguese }));
const TYPED_WORDS = ['RESTORE ', 'RESTORE EVERYTHING', 'RESTORE BESIDE', 'GIVE UP', 'RECOVER ', 'SEARCH ', 'REBUILD ON THIS SERVER'];
const workflowNames = workflowFiles.map(({ workflow }) => workflow.name).sort((a, b) => b.length - a.length);

test('the catalogue has every text, nothing too much, and what is the same in both is listed as such', () => {
	const { missing, unused, untranslated } = translateShipped().translation;
	expect({ missing, unused, untranslated, whatToDo: 'npm run translate' }).toEqual({
		missing: { names: [], texts: [] },
		unused: { names: [], texts: [] },
		untranslated: [],
		// Whoever reads this changed a workflow: add its new texts to workflows/messages/pt-BR.json, then write workflows/pt-BR anew with it.
		whatToDo: 'npm run translate',
	});
});

test('workflows/pt-BR is what `npm run translate` writes', () => {
	expect(portugueseFiles.map(({ file, text }) => ({ name: file, text }))).toEqual(translateShipped().files);
});

test('docs/portugues.md has every workflow with its two names, and all the words to type', () => {
	const page = readFileSync(join(__dirname, '../../../docs/portugues.md'), 'utf8');
	for (const name of workflowNames) expect(page).toContain(`| *${messages.texts[name]!}* | *${name}* |`);
	for (const words of TYPED_WORDS) expect(page).toContain(`\`${messages.texts[words]!.trim()}`);
});

describe('an entry of the catalogue', () => {
	test('has the same values in it', () => {
		for (const { english, portuguese } of entries) expect({ portuguese, values: valuesIn(portuguese) }).toEqual({ portuguese, values: valuesIn(english) });
	});

	test('begins and ends as the English does: parts of sentences are joined', () => {
		const ends = (text: string) => ({ before: /^\s*/.exec(text)?.[0], after: /\s*$/.exec(text)?.[0], tags: text.match(/<[^ >]+>/g) });
		for (const { english, portuguese } of entries) {
			if (english.includes('`')) continue;
			expect({ portuguese, ...ends(portuguese) }).toEqual({ portuguese, ...ends(english) });
		}
	});

	test('names workflows as they are called in Portuguese', () => {
		for (const { english, portuguese } of entries) {
			let rest = english;
			for (const name of workflowNames) {
				if (!rest.includes(name)) continue;
				rest = rest.replaceAll(name, '');
				expect({ portuguese, named: portuguese.includes(messages.texts[name]!) }).toEqual({ portuguese, named: true });
			}
		}
	});

	test('has the same words to type wherever it tells them', () => {
		const typed = entries.filter(({ english }) => TYPED_WORDS.includes(english));
		expect(typed).toHaveLength(TYPED_WORDS.length);
		for (const { english, portuguese } of entries) {
			const longest = typed.filter((words) => english.includes(words.english)).sort((a, b) => b.english.length - a.english.length)[0];
			if (longest) expect({ portuguese, told: portuguese.includes(longest.portuguese) }).toEqual({ portuguese, told: true });
		}
	});
});

describe.each(workflowFiles.map((english, index) => ({ file: english.file, english, portuguese: portugueseFiles[index]! })))('pt-BR/$file', ({ english, portuguese }) => {
	const names = new Map(english.workflow.nodes.map((node, index) => [node.name, portuguese.workflow.nodes[index]!.name]));

	test('is the same workflow in everything but words', () => {
		expect(structure(portuguese, (name) => name)).toEqual(structure(english, (name) => names.get(name) ?? name));
	});

	test('has no two nodes with one name', () => {
		expect(new Set(portuguese.workflow.nodes.map(({ name }) => name)).size).toBe(portuguese.workflow.nodes.length);
	});

	test('asks the same nodes in every expression', () => {
		english.workflow.nodes.forEach((node, index) => {
			const asked = nodesAsked(node).map((name) => names.get(name)).sort();
			expect(nodesAsked(portuguese.workflow.nodes[index]!).sort()).toEqual(asked);
		});
	});

	test('has choices that begin with what expressions look for at their beginning', () => {
		const beginnings = [...english.text.matchAll(/\.startsWith\('([^']+)'\)/g)].map(([, words]) => words!).filter((words) => words in messages.texts);
		for (const option of [...english.text.matchAll(/"option": "([^"]+)"/g)].map(([, words]) => words!)) {
			const begins = (choice: string, words: (text: string) => string) => beginnings.map((beginning) => choice.startsWith(words(beginning)));
			expect(begins(messages.texts[option]!, (text) => messages.texts[text]!)).toEqual(begins(option, (text) => text));
		}
	});

	test('says in its notes what the English ones say: the same credentials, settings, commands, and nodes by their names', () => {
		notesOf(english).forEach((note, index) => {
			const translated = notesOf(portuguese)[index]!;
			expect({ translated, marks: marksOf(translated) }).toEqual({
				translated,
				marks: {
					italic: marksOf(note).italic.map((name) => names.get(name) ?? translatedWorkflow(name) ?? name).sort(),
					bold: marksOf(note).bold.map((words) => ({ 'Set first:': 'Ajuste antes:', 'When it fails:': 'Quando falhar:' })[words] ?? words).sort(),
					code: marksOf(note).code.map((code) => code.replace('RESTORE <database>', 'RESTAURAR <banco>')).sort(),
				},
			});
		});
	});
});

function valuesIn(text: string): string[] {
	return (text.match(/\{\d+\}/g) ?? []).sort();
}

function translatedWorkflow(name: string): string | undefined {
	return workflowNames.includes(name) ? messages.texts[name] : undefined;
}

/** Everything of a workflow that must not depend on the language; the height of notes does. */
function structure({ workflow }: WorkflowFile, named: (name: string) => string): unknown {
	const { nodes, connections, name: _name, description: _description, ...others } = workflow as WorkflowFile['workflow'] & { description: string };
	return {
		...others,
		nodes: nodes.map(({ name, parameters, ...node }) => ({ ...node, name: named(name), parameters: shape(node.type === STICKY_NOTE ? { ...parameters, height: 0 } : parameters) })),
		connections: Object.entries(connections).map(([from, outputs]) => [named(from), Object.entries(outputs).map(([kind, ends]) => [kind, ends.map((end) => end?.map((to) => ({ ...to, node: named(to.node) })))])]),
	};
}

/** Words left out; whether a text is an expression, and what is no language, stay. */
function shape(value: unknown): unknown {
	if (typeof value === 'string') return value.startsWith('=') ? '=' : /^[\w./:*-]*$/.test(value) && !(value in messages.texts) && !portugueseTexts.has(value) ? value : 'text';
	if (Array.isArray(value)) return value.map(shape);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}

const portugueseTexts = new Set(Object.values(messages.texts));

function nodesAsked(node: INode): string[] {
	return [...JSON.stringify(node.parameters).matchAll(/\$\('([^']+)'\)/g)].map(([, name]) => name!);
}

function notesOf({ workflow }: WorkflowFile): string[] {
	return workflow.nodes.filter((node) => node.type === STICKY_NOTE).map((node) => node.parameters.content as string);
}

function marksOf(note: string): { italic: string[]; bold: string[]; code: string[] } {
	const all = (pattern: RegExp) => [...note.matchAll(pattern)].map(([, words]) => words!).sort();
	return { italic: all(/(?<!\*)\*([^*\n]+)\*(?!\*)/g), bold: all(/\*\*([^*\n]+)\*\*/g), code: all(/`([^`]+)`/g) };
}
