import type { AxeResults } from 'axe-core';
import { existsSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { CHROMIUM, withBrowser } from '../../support/browser';
import { renderScene, SCENES } from '../../support/report-scenes';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const COLOURS = ['color-contrast'];
/** What is shown at one width only: the rest has the same colours at both. */
const OF_A_WIDTH = '.timeline, thead';
const PHONE = 390;
const DESK = 1180;

(existsSync(CHROMIUM) ? describe : describe.skip)('in a browser', () => {
	test('neither page nor report has a serious barrier in any state, light or dark, on a phone or a desk, and nothing is wider than the screen', async () => {
		await withBrowser({ width: PHONE, height: 844 }, async (context) => {
			const page = context.pages()[0] ?? (await context.newPage());
			await page.addScriptTag({ content: AXE });
			for (const scene of SCENES) {
				// Few days show every kind of row; hundreds of them only take time.
				for (const [what, html] of Object.entries(await renderScene(scene, 3))) {
					await page.setContent(html);
					const look = async (colorScheme: 'light' | 'dark', width: number, rules: readonly string[] | null, within: string) => {
						await page.emulateMedia({ colorScheme });
						await page.setViewportSize({ width, height: 844 });
						expect({ scene, what, colorScheme, width, ...(await barriers(page, rules, within)) }).toEqual({ scene, what, colorScheme, width, serious: [], overflow: 0, looked: true });
					};
					await look('light', PHONE, null, 'html');
					await look('light', DESK, COLOURS, OF_A_WIDTH);
					await look('dark', DESK, COLOURS, 'html');
					await look('dark', PHONE, COLOURS, OF_A_WIDTH);
				}
			}
		});
	}, 120_000);
});

async function barriers(page: Page, rules: readonly string[] | null, within: string) {
	const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
	const options = { resultTypes: ['violations'], preload: false, ...(rules === null ? {} : { runOnly: { type: 'rule', values: rules } }) };
	const found = await page.evaluate<Pick<AxeResults, 'violations' | 'passes'>>(
		`(async () => { const parts = [...document.querySelectorAll('${within}')]; return parts.length === 0 ? { violations: [], passes: [] } : axe.run({ include: parts }, ${JSON.stringify(options)}); })()`,
	);
	const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
	return { serious, overflow, looked: rules !== null || found.passes.length > 10 };
}
