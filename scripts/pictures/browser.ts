import type { Page } from 'playwright-core';
import { withBrowser } from '../../test/support/browser';
import { OWNER } from '../../test/support/n8n-rest';

/** Opens a headless browser, logs in to n8n as its owner, and closes it after `body`. */
export async function withEditor(url: string, body: (page: Page) => Promise<void>): Promise<void> {
	await withBrowser({}, async (context) => {
		const page = context.pages()[0] ?? (await context.newPage());
		await logIn(page, url);
		await body(page);
	});
}

async function logIn(page: Page, url: string): Promise<void> {
	await page.goto(`${url}/signin`);
	await page.fill('input[name=emailOrLdapLoginId]', OWNER.email);
	await page.fill('input[name=password]', OWNER.password);
	await page.click('[data-test-id=form-submit-button], button[type=submit]');
	await page.waitForURL((address) => !address.pathname.includes('signin'));
}
