import { html } from '../report/html';
import { headline, kitSteps, type KitFacts } from './steps';

/** The steps as a page for the printer: black on white, large enough to be read in bad light, a box to tick at each. */
export function stepsPage(facts: KitFacts): string {
	const steps = kitSteps(facts).map(
		({ title, text, commands }) => html`<li><h2>${title}</h2><p>${text}</p>${commands.length === 0 ? null : html`<pre>${commands.join('\n')}</pre>`}</li>
`,
	);
	return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${facts.title}: break-glass kit</title>
<style>
body { font: 12pt/1.4 Georgia, 'Times New Roman', serif; color: #000; background: #fff; max-width: 46em; margin: 1.5em auto; padding: 0 1em; }
h1 { font-size: 20pt; margin: 0 0 .2em; }
header p { white-space: pre-line; margin: 0 0 1em; }
ol { padding-left: 2em; }
li { break-inside: avoid; margin-bottom: 1em; padding-right: 2.5em; position: relative; }
li::after { content: ''; position: absolute; right: 0; top: .2em; width: 1.1em; height: 1.1em; border: 1.5px solid #000; }
h2 { font-size: 13pt; margin: 0; }
p { margin: .2em 0 .4em; overflow-wrap: anywhere; }
pre { font: 10pt/1.4 'DejaVu Sans Mono', Consolas, monospace; border: 1px solid #555; padding: .5em; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
section p { white-space: pre-line; }
@page { margin: 18mm; }
@media print { body { margin: 0; max-width: none; } }
</style>
</head>
<body>
<header><h1>${facts.title}</h1><p>${headline(facts).split('\n').slice(1).join('\n')}</p></header>
<main><ol>
${steps}</ol></main>
${facts.notes === '' ? null : html`<section><h2>Contacts and notes</h2><p>${facts.notes}</p></section>`}
</body>
</html>
`.text;
}
