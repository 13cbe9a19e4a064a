import type { AxeResults } from 'axe-core';
import { existsSync, readFileSync } from 'node:fs';
import { CHROMIUM, withBrowser } from '../../support/browser';
import { renderScene, SCENES } from '../../support/report-scenes';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

(existsSync(CHROMIUM) ? describe : describe.skip)('in a browser', () => {
	test.each(['light', 'dark'] as const)('neither page nor report has a serious barrier in any state (%s), and nothing is wider than a phone', async (colorScheme) => {
		await withBrowser({ colorScheme, width: 390, height: 844 }, async (context) => {
			const page = context.pages()[0] ?? (await context.newPage());
			for (const scene of colorScheme === 'light' ? SCENES : (['running', 'failures'] as const)) {
				for (const [what, html] of Object.entries(await renderScene(scene, 3))) {
					await page.setContent(html);
					const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
					await page.addScriptTag({ content: AXE });
					const { violations, passes } = await page.evaluate<AxeResults>('axe.run()');
					const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
					expect({ scene, what, serious, overflow }).toEqual({ scene, what, serious: [], overflow: 0 });
					expect(passes.length).toBeGreaterThan(10);
				}
			}
		});
	}, 60_000);
});
