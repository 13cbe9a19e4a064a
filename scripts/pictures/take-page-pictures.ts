import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withBrowser } from '../../test/support/browser';
import { renderScene, type Scene } from '../../test/support/report-scenes';

const images = join(__dirname, '..', '..', 'docs', 'images');
const LOOKS = { light: { colorScheme: 'light', width: 1180 }, dark: { colorScheme: 'dark', width: 1180 }, phone: { colorScheme: 'light', width: 390 } } as const;
const PICTURES: readonly (readonly [name: string, scene: Scene, look: keyof typeof LOOKS])[] = [
	['light', 'well', 'light'],
	['dark', 'failures', 'dark'],
	['phone', 'failures', 'phone'],
	['running', 'running', 'light'],
	['failures', 'failures', 'light'],
	['empty', 'empty', 'light'],
];

/** Nothing but the page's own moment runs in a report: a picture of it would be that of "well" again. */
const WITHOUT_REPORT: readonly Scene[] = ['running'];

/** The dashboard and the monthly report in every state, at their full length, under docs/images. */
export async function takePagePictures(): Promise<void> {
	await mkdir(images, { recursive: true });
	await withBrowser({ width: 1180, height: 900 }, async (context) => {
		const page = context.pages()[0] ?? (await context.newPage());
		for (const [name, scene, look] of PICTURES) {
			const { colorScheme, width } = LOOKS[look];
			await page.emulateMedia({ colorScheme });
			await page.setViewportSize({ width, height: 900 });
			for (const [what, html] of Object.entries(await renderScene(scene))) {
				if (what === 'report' && WITHOUT_REPORT.includes(scene)) continue;
				await page.setContent(html);
				const path = join(images, `${what}-${name}.png`);
				await page.screenshot({ path, fullPage: true });
				process.stdout.write(`docs/images/${what}-${name}.png: ${Math.round((await stat(path)).size / 1024)} kB\n`);
			}
		}
	});
}
