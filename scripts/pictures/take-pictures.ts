import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { createCrmDatabase } from '../../test/support/crm-database';
import { type N8nServer, startN8n } from '../../test/support/n8n-server';
import { packPackage } from '../../test/support/packed-package';
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server';
import { backupCredentials, folderPlace } from '../../test/support/n8n-credentials';
import { withEditor } from './browser';
import { takePagePictures } from './take-page-pictures';
import { PANEL_WORKFLOW, PANELS, panelWorkflow, PICTURE_WIDTH, WORKFLOWS } from './panels';

const root = join(__dirname, '..', '..');
const images = join(root, 'docs', 'images');

/** `npm run pictures`: page and report, each workflow on the canvas and each node's panel, as PNG files under docs/images; `-- pages`: the first two alone;
 * `-- workflow-backup-full`: that canvas alone. */
async function main(): Promise<void> {
	await mkdir(images, { recursive: true });
	if (!process.argv.some((word) => word.startsWith('workflow-'))) await takePagePictures();
	if (process.argv.includes('pages')) return;
	const server = await startPostgres();
	try {
		await createCrmDatabase(server, 'crm_dashboard', 0.1);
		const packed = await packPackage();
		try {
			const n8n = await startN8n({ databaseServer: server, tarball: packed.tarball });
			try {
				await photograph(n8n, server);
			} finally {
				await n8n.stop();
			}
		} finally {
			await packed.remove();
		}
	} finally {
		await server.stop();
	}
}

async function photograph(n8n: N8nServer, server: PostgresServer): Promise<void> {
	await n8n.importCredentials(await backupCredentials({ server, places: [folderPlace(n8n.storeFolder), folderPlace(n8n.storeFolder), folderPlace(n8n.storeFolder)], webhookKey: 'shown-nowhere' }));
	await n8n.importWorkflows(join(root, 'workflows'));
	await n8n.importWorkflow(panelWorkflow());
	await withEditor(n8n.url, async (page) => {
		const only = process.argv.filter((word) => word.startsWith('workflow-'));
		for (const { file, id, height } of WORKFLOWS) {
			if (only.length > 0 && !only.includes(file)) continue;
			await page.setViewportSize({ width: PICTURE_WIDTH, height });
			await openCanvas(page, `${n8n.url}/workflow/${id}`);
			await shoot(page, file);
		}
		if (only.length > 0) return;
		await page.setViewportSize({ width: 1600, height: 900 });
		for (const { file } of PANELS) {
			await openCanvas(page, `${n8n.url}/workflow/${PANEL_WORKFLOW}/${file}`);
			await page.waitForSelector('[data-test-id=ndv], [data-test-id=node-parameters]', { timeout: 30_000 });
			await shoot(page, file);
		}
	});
}

async function openCanvas(page: Page, url: string): Promise<void> {
	await page.goto(url);
	await page.waitForSelector('[data-test-id=canvas-node]', { timeout: 60_000 });
	// Icons and sticky notes are drawn after the nodes.
	await page.waitForLoadState('networkidle');
	await page.keyboard.press('1');
	await page.waitForTimeout(1500);
}

async function shoot(page: Page, name: string): Promise<void> {
	const path = join(images, `${name}.png`);
	await page.screenshot({ path });
	process.stdout.write(`docs/images/${name}.png: ${Math.round((await stat(path)).size / 1024)} kB\n`);
}

void main().catch((error: unknown) => {
	console.error(error);
	process.exitCode = 1;
});
