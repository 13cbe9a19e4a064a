import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Messages, type Translation, translateAll } from './catalogue';
import type { WorkflowJson } from './translate-workflow';

const root = join(__dirname, '..', '..');

/** The workflows that the package ships in English: the source of all others. */
export const ENGLISH_FOLDER = join(root, 'workflows');
/** The same workflows in Brazilian Portuguese, generated. */
export const PORTUGUESE_FOLDER = join(ENGLISH_FOLDER, 'pt-BR');
/** In a folder of its own, because n8n imports every JSON file of a folder of workflows. */
export const CATALOGUE = join(ENGLISH_FOLDER, 'messages', 'pt-BR.json');

export interface TranslatedFile {
	readonly name: string;
	readonly text: string;
}

/** The English workflows in the words of the catalogue, as the files have to be. */
export function translateShipped(): { readonly translation: Translation; readonly files: readonly TranslatedFile[] } {
	const names = readdirSync(ENGLISH_FOLDER).filter((file) => file.endsWith('.json'));
	const english = names.map((name) => JSON.parse(readFileSync(join(ENGLISH_FOLDER, name), 'utf8')) as WorkflowJson);
	const translation = translateAll(english, readCatalogue());
	return { translation, files: names.map((name, index) => ({ name, text: `${JSON.stringify(translation.workflows[index], null, '\t')}\n` })) };
}

export function readCatalogue(): Messages {
	return JSON.parse(readFileSync(CATALOGUE, 'utf8')) as Messages;
}
