import ts from 'typescript';
import { isLanguage, type Words } from './words';

interface Edit {
	readonly start: number;
	readonly end: number;
	readonly text: string;
}

/**
 * An n8n expression (`=…{{ code }}…`) with the names of nodes in `$('…')` and the texts in its literals translated.
 * A template is one text, its values `{1}`, `{2}`, … so that a translation may put them in another order.
 *
 * @throws when the code cannot be parsed, or a translation names a value that the text does not have
 */
export function translateExpression(expression: string, words: Words): string {
	const pieces = expression.slice(1).split(/\{\{([^]*?)\}\}/);
	const fixed = pieces.filter((_, index) => index % 2 === 0);
	const codes = pieces.filter((_, index) => index % 2 === 1).map((code) => translateCode(code, words));
	if (fixed.every((text) => text.trim() === '')) return `=${fixed[0]}${codes.map((code, index) => `{{${code}}}${fixed[index + 1]}`).join('')}`;
	return `=${translateTemplate(fixed, codes.map((code) => `{{${code}}}`), (text) => text, words)}`;
}

/** `fixed` stands around `values`; one piece more than there are values. */
function translateTemplate(fixed: readonly string[], values: readonly string[], escape: (text: string) => string, words: Words): string {
	const english = fixed.map((text, index) => (index === 0 ? text : `{${index}}${text}`)).join('');
	return words
		.text(english, isLanguage(english))
		.split(/\{(\d+)\}/)
		.map((piece, index) => {
			if (index % 2 === 0) return escape(piece);
			const value = values[Number(piece) - 1];
			if (value === undefined) throw new Error(`The translation of ${JSON.stringify(english)} names a value {${piece}} that there is not.`);
			return value;
		})
		.join('');
}

function translateCode(code: string, words: Words): string {
	const text = `(${code}\n)`;
	const source = ts.createSourceFile('expression.ts', text, ts.ScriptTarget.ESNext, true);
	const { parseDiagnostics } = source as unknown as { parseDiagnostics: readonly ts.Diagnostic[] };
	if (parseDiagnostics.length > 0) throw new Error(`This expression cannot be parsed: ${code}`);
	return rewritten(source, words).slice(1, -2);
}

function rewritten(node: ts.Node, words: Words): string {
	const whole = node.getSourceFile().text;
	let text = '';
	let at = node.getStart();
	for (const edit of editsIn(node, words)) {
		text += whole.slice(at, edit.start) + edit.text;
		at = edit.end;
	}
	return text + whole.slice(at, node.getEnd());
}

function editsIn(node: ts.Node, words: Words): Edit[] {
	const edit = (text: string): Edit[] => [{ start: node.getStart(), end: node.getEnd(), text }];
	if (ts.isStringLiteral(node) && isNodeReference(node.parent)) return edit(quoted(words.name(node.text), node.getText()));
	if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
		const translated = words.text(node.text, isLanguage(node.text));
		return translated === node.text ? [] : edit(quoted(translated, node.getText()));
	}
	// Typed words are looked for by regular expressions too; classes like \d and flags are no words.
	if (ts.isRegularExpressionLiteral(node)) return edit(words.text(node.text, /\p{L}{2,}/u.test(node.text.replace(/\\.|\/\w*$/g, ''))));
	if (ts.isTemplateExpression(node)) {
		const fixed = [node.head.text, ...node.templateSpans.map((span) => span.literal.text)];
		const values = node.templateSpans.map((span) => `\${${rewritten(span.expression, words)}}`);
		return edit(`\`${translateTemplate(fixed, values, inTemplate, words)}\``);
	}
	const edits: Edit[] = [];
	ts.forEachChild(node, (child) => {
		edits.push(...editsIn(child, words));
	});
	return edits;
}

function isNodeReference(node: ts.Node): boolean {
	return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === '$';
}

function quoted(text: string, like: string): string {
	const quote = like.charAt(0);
	if (quote === '`') return `\`${inTemplate(text)}\``;
	return quote + text.replace(/[\\\n]/g, escaped).replaceAll(quote, `\\${quote}`) + quote;
}

function inTemplate(text: string): string {
	return text.replace(/[\\\n]/g, escaped).replaceAll('`', '\\`').replaceAll('${', '\\${');
}

function escaped(character: string): string {
	return character === '\n' ? '\\n' : `\\${character}`;
}
