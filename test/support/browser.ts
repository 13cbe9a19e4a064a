import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

export const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
	'--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** A headless browser with a fresh profile, closed after `body`. */
export async function withBrowser<T>(options: { readonly colorScheme?: 'light' | 'dark'; readonly width?: number; readonly height?: number }, body: (context: BrowserContext) => Promise<T>): Promise<T> {
	const profile = await mkdtemp(join(tmpdir(), 'backup-recovery-browser-'));
	const { colorScheme = 'light', width = 1600, height = 900 } = options;
	const context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, headless: true, colorScheme, viewport: { width, height }, args: FLAGS });
	try {
		return await body(context);
	} finally {
		await context.close();
		await rm(profile, { recursive: true, force: true, maxRetries: 5 });
	}
}
