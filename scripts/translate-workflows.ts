import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isComplete } from './translation/catalogue';
import { PORTUGUESE_FOLDER, translateShipped } from './translation/shipped';

// Writes workflows/pt-BR from workflows and workflows/messages/pt-BR.json; says what the catalogue lacks.
const { translation, files } = translateShipped();
if (isComplete(translation)) {
	rmSync(PORTUGUESE_FOLDER, { recursive: true, force: true });
	mkdirSync(PORTUGUESE_FOLDER);
	for (const { name, text } of files) writeFileSync(join(PORTUGUESE_FOLDER, name), text);
	console.log(`${files.length} workflows written to workflows/pt-BR.`);
} else {
	const { missing, unused, untranslated } = translation;
	console.error(JSON.stringify({ 'missing, to be added': missing, 'unused, to be removed': unused, 'same as the English but not listed in "same", or the other way round': untranslated }, null, '\t'));
	console.error('Nothing was written: correct workflows/messages/pt-BR.json as said above and run `npm run translate` again.');
	process.exitCode = 1;
}
