import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { OWNER } from '../../test/support/n8n-rest';

const FLAGS = [
	'--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Opens a headless browser with a fresh profile, logs in to n8n as its owner, and closes it after `body`. */
export async function withEditor(url: string, body: (page: Page) => Promise<void>): Promise<void> {
	const profile = await mkdtemp(join(tmpdir(), 'backup-recovery-browser-'));
	const context = await chromium.launchPersistentContext(profile, {
		executablePath: '/usr/bin/chromium',
		headless: true,
		viewport: { width: 1600, height: 900 },
		args: FLAGS,
	});
	try {
		const page = context.pages()[0] ?? (await context.newPage());
		await logIn(page, url);
		await body(page);
	} finally {
		await context.close();
		await rm(profile, { recursive: true, force: true, maxRetries: 5 });
	}
}

async function logIn(page: Page, url: string): Promise<void> {
	await page.goto(`${url}/signin`);
	await page.fill('input[name=emailOrLdapLoginId]', OWNER.email);
	await page.fill('input[name=password]', OWNER.password);
	await page.click('[data-test-id=form-submit-button], button[type=submit]');
	await page.waitForURL((address) => !address.pathname.includes('signin'));
}
