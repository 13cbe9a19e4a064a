import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withBrowser } from '../../test/support/browser';
import { renderScene, type Scene } from '../../test/support/report-scenes';

const images = join(__dirname, '..', '..', 'docs', 'images');
const LOOKS = { light: { colorScheme: 'light', width: 1180 }, dark: { colorScheme: 'dark', width: 1180 }, phone: { colorScheme: 'light', width: 390 } } as const;
const MOST = 2200;
const PICTURES: readonly (readonly [name: string, scene: Scene, look: keyof typeof LOOKS])[] = [
	['light', 'well', 'light'],
	['dark', 'failures', 'dark'],
	['phone', 'running', 'phone'],
	['running', 'running', 'light'],
	['failures', 'failures', 'light'],
	['empty', 'empty', 'light'],
];

/** The dashboard and the monthly report in every state, from the top, under docs/images. */
export async function takePagePictures(): Promise<void> {
	await mkdir(images, { recursive: true });
	for (const [name, scene, look] of PICTURES) {
		const pages = await renderScene(scene);
		await withBrowser({ ...LOOKS[look], height: 900 }, async (context) => {
			const page = context.pages()[0] ?? (await context.newPage());
			for (const [what, html] of Object.entries(pages)) {
				await page.setContent(html);
				const path = join(images, `${what}-${name}.png`);
				// The rest of a report is one long table.
				const whole = await page.evaluate<number>('document.documentElement.scrollHeight');
				await page.setViewportSize({ width: LOOKS[look].width, height: Math.min(whole, MOST) });
				await page.screenshot({ path });
				process.stdout.write(`docs/images/${what}-${name}.png: ${Math.round((await stat(path)).size / 1024)} kB\n`);
			}
		});
	}
}
