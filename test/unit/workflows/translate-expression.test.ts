import { type Messages, translateAll } from '../../../scripts/translation/catalogue';
import { translateExpression } from '../../../scripts/translation/expression';
import type { WorkflowJson } from '../../../scripts/translation/translate-workflow';
import { isLanguage, type Words } from '../../../scripts/translation/words';
import { workflowFiles } from './workflow-files';

const words = (texts: Record<string, string>, names: Record<string, string> = {}): Words => ({ name: (name) => names[name] ?? name, text: (text) => texts[text] ?? text });
const unchanged = words({});

describe('an expression', () => {
	test('asks nodes by their new names', () => {
		expect(translateExpression("={{ $('The Plan').first().json.plan + $json['The Plan'] }}", words({}, { 'The Plan': 'O Plano' }))).toBe("={{ $('O Plano').first().json.plan + $json['The Plan'] }}");
	});

	test('has a text replaced wherever it stands, so that a comparison with a choice of a form stays true', () => {
		expect(translateExpression("={{ ({ 'Uploads here': 'files' })[$json['What']] === 'Uploads here' }}", words({ 'Uploads here': 'Uploads aqui', 'What': 'O quê' }))).toBe(
			"={{ ({ 'Uploads aqui': 'files' })[$json['O quê']] === 'Uploads aqui' }}",
		);
	});

	test('has a template replaced as one text, its values in the order of the other language, and what is inside them too', () => {
		const portuguese = words({ '{1} of {2} failed': 'de {2} falharam {1}', 'A step': 'Um passo' }, { Form: 'Formulário' });
		expect(translateExpression("={{ `${$json.node ?? 'A step'} of ${$('Form').all().length} failed` }}", portuguese)).toBe("={{ `de ${$('Formulário').all().length} falharam ${$json.node ?? 'Um passo'}` }}");
	});

	test('has the words that a person types replaced where a regular expression looks for them', () => {
		expect(translateExpression("={{ $json.typed.replace(/^RESTORE /, '').replace(/\\s+$/, '') }}", words({ '/^RESTORE /': '/^RESTAURAR /' }))).toBe("={{ $json.typed.replace(/^RESTAURAR /, '').replace(/\\s+$/, '') }}");
	});

	test('keeps quotes and line ends within literals', () => {
		expect(translateExpression("={{ 'It is' + `It's\\n${1}` }}", words({ 'It is': "D'água \\ \n", "It's\n{1}": 'Um `{1}` ${x}' }))).toBe("={{ 'D\\'água \\\\ \\n' + `Um \\`${1}\\` \\${x}` }}");
	});

	test('may have fixed text around its code', () => {
		expect(translateExpression('=Backups of {{ $json.a }} and {{ $json.b }}', words({ 'Backups of {1} and {2}': '{2} e {1}: backups' }))).toBe('={{ $json.b }} e {{ $json.a }}: backups');
	});

	test('that cannot be parsed, or a translation with a value that there is not, is refused', () => {
		expect(() => translateExpression('={{ $json. }}', unchanged)).toThrow('cannot be parsed');
		expect(() => translateExpression('={{ `of ${1}` }}', words({ 'of {1}': 'de {2}' }))).toThrow('{2}');
	});

	test('of any workflow stays the same letter for letter when nothing is translated', () => {
		for (const expression of workflowFiles.flatMap(({ text }) => text.match(/"=(?:[^"\\]|\\.)*"/g) ?? []).map((literal) => JSON.parse(literal) as string)) {
			expect(translateExpression(expression, unchanged)).toBe(expression);
		}
	});
});

test.each([
	['anything with a space and letters', 'no answer', true],
	['a capital at the start', 'Uploads', true],
	['letters between markup', '<b>changed</b>', true],
	['a value and letters', '{1} of', true],
	['one small word', 'postgres', false],
	['a value alone', '{1}: {2}', false],
	['markup alone', '</td><td>', false],
	['an entity', '&amp;', false],
	['a path', '/clean-uploads-', false],
])('%s: is it language?', (_what, text, expected) => {
	expect(isLanguage(text)).toBe(expected);
});

describe('a catalogue', () => {
	const workflow: WorkflowJson = {
		id: 'brTest',
		name: 'Backup: Test',
		description: 'A test.',
		nodes: [
			{ id: 'a', name: 'Form', type: 'n8n-nodes-base.form', parameters: { operation: 'page', formTitle: 'Go', options: { path: 'go-on' } } },
			{ id: 'b', name: 'Note', type: 'n8n-nodes-base.stickyNote', parameters: { content: '## Start\nGoes on.', width: 320, height: 48 } },
		],
		connections: { Form: { main: [[{ node: 'Form' }]] } },
	};
	const complete: Messages = {
		names: { Form: 'Formulário', Note: 'Nota' },
		texts: { 'Backup: Test': 'Backup: Teste', 'A test.': 'Um teste.', Go: 'Ir', '## Start': '## Início', 'Goes on.': 'Continua.' },
		same: [],
	};

	test('that is complete translates names, connections, titles and notes, and lets a note grow', () => {
		const { workflows, missing, unused, untranslated } = translateAll([workflow], complete);
		expect({ missing, unused, untranslated }).toEqual({ missing: { names: [], texts: [] }, unused: { names: [], texts: [] }, untranslated: [] });
		expect(workflows).toEqual([
			{
				id: 'brTest',
				name: 'Backup: Teste',
				description: 'Um teste.',
				nodes: [
					{ id: 'a', name: 'Formulário', type: 'n8n-nodes-base.form', parameters: { operation: 'page', formTitle: 'Ir', options: { path: 'go-on' } } },
					{ id: 'b', name: 'Nota', type: 'n8n-nodes-base.stickyNote', parameters: { content: '## Início\nContinua.', width: 320, height: 96 } },
				],
				connections: { Formulário: { main: [[{ node: 'Formulário' }]] } },
			},
		]);
	});

	test('that lacks something, has too much, or repeats the English, says what', () => {
		const { Form: _form, ...names } = complete.names;
		const { Go: _go, ...texts } = complete.texts;
		const wrong = translateAll([workflow], { names: { ...names, Gone: 'Sumiu' }, texts: { ...texts, 'A test.': 'A test.' }, same: ['Slack'] });
		expect(wrong).toMatchObject({ missing: { names: ['Form'], texts: ['Go'] }, unused: { names: ['Gone'], texts: [] }, untranslated: ['A test.', 'Slack'] });
	});
});
