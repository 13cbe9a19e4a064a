import type { AxeResults } from 'axe-core';
import { existsSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { CHROMIUM, withBrowser } from '../../support/browser';
import { renderScene, SCENES } from '../../support/report-scenes';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
/** What a colour scheme or a width changes; everything else is found in one of them. */
const LOOK_RULES = ['color-contrast', 'scrollable-region-focusable', 'link-in-text-block', 'meta-viewport'];
const LOOKS = [
	{ colorScheme: 'light', width: 390, rules: null },
	{ colorScheme: 'dark', width: 390, rules: LOOK_RULES },
	{ colorScheme: 'light', width: 1180, rules: LOOK_RULES },
	{ colorScheme: 'dark', width: 1180, rules: LOOK_RULES },
] as const;

(existsSync(CHROMIUM) ? describe : describe.skip)('in a browser', () => {
	test('neither page nor report has a serious barrier in any state, light or dark, on a phone or a desk, and nothing is wider than the screen', async () => {
		await withBrowser({ width: 390, height: 844 }, async (context) => {
			const page = context.pages()[0] ?? (await context.newPage());
			for (const scene of SCENES) {
				// Few days show every kind of row, and hundreds of them only take time.
				for (const [what, html] of Object.entries(await renderScene(scene, 3))) {
					await page.setContent(html);
					await page.addScriptTag({ content: AXE });
					// What runs adds little to what is there when all is well.
					for (const { colorScheme, width, rules } of scene === 'running' ? LOOKS.slice(0, 2) : LOOKS) {
						await page.emulateMedia({ colorScheme });
						await page.setViewportSize({ width, height: 844 });
						expect({ scene, what, colorScheme, width, ...(await barriers(page, rules)) }).toEqual({ scene, what, colorScheme, width, serious: [], overflow: 0, looked: true });
					}
				}
			}
		});
	}, 180_000);
});

async function barriers(page: Page, rules: readonly string[] | null) {
	const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
	const options = { resultTypes: ['violations'], ...(rules === null ? {} : { runOnly: { type: 'rule', values: rules } }) };
	const { violations, passes } = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
	const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
	return { serious, overflow, looked: passes.length > (rules === null ? 10 : 0) };
}
