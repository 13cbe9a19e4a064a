import { execFile } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { RecoverySummary } from '../../lib/catalog/recovery-summary';
import type { RecoveryPointSummary } from '../../lib/catalog/recovery-point-summary';
import { type CrmStack, readStack, startCrmStack } from '../support/crm-stack';
import { differences, snapshotContents } from '../support/database-contents';
import { readTree, treeDifferences } from '../support/file-trees';
import { FORM_LOGIN } from '../support/n8n-credentials';
import { FormVisit } from '../support/n8n-form';
import { type N8nServer, startN8n } from '../support/n8n-server';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { newestRecovery } from '../support/recovery-journals';
import { installShippedWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { until } from '../support/until';

jest.setTimeout(400_000);

const run = promisify(execFile);

interface DrillResult {
	readonly passed: boolean;
	readonly stages: ReadonlyArray<{ stage: string; state: string; seconds: number; detail: string }>;
	readonly forecast: { readonly seconds: number; readonly reached: boolean; readonly drills: number };
}

let stack: CrmStack;
let packed: PackedPackage;
let n8n: N8nServer;
let hooks: Server;
let recoveryFolder: string;
/** What each hook was told, by its path. */
const told = new Map<string, Array<Record<string, string>>>();
let answer: (path: string, body: Record<string, string>) => Promise<number> = async () => 200;

beforeAll(async () => {
	hooks = createServer((request, response) => {
		let text = '';
		request.on('data', (chunk: Buffer) => (text += chunk.toString()));
		request.on('end', () => {
			const body = JSON.parse(text) as Record<string, string>;
			told.set(request.url!, [...(told.get(request.url!) ?? []), body]);
			void answer(request.url!, body).then((status) => response.writeHead(status).end());
		});
	});
	await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve));
	const url = `http://127.0.0.1:${(hooks.address() as AddressInfo).port}`;
	[stack, packed] = await Promise.all([startCrmStack(0.2), packPackage()]);
	n8n = await startN8n({ tarball: packed.tarball, allowedFolders: [dirname(stack.folders.uploads), ...Object.values(stack.places)], env: { BACKUP_RECOVERY_ALLOW_N8N: 'true' } });
	recoveryFolder = join(stack.places.third, 'recovery');
	await mkdir(recoveryFolder);
	const settings = {
		'hooks.scan': `${url}/scan`,
		'hooks.stopApp': `${url}/stop`,
		'drill.sql': `-- there are deals\nSELECT count(*) > 0 FROM deals\n\n-- it is not the live one\nSELECT current_database() <> '${SHIPPED_DATABASE}'`,
		'drill.http': `${url}/drill`,
	};
	await installShippedWorkflows(n8n, stack, { recoveryFolder, settings });
}, 400_000);

afterAll(async () => {
	await n8n?.stop();
	await packed?.remove();
	await stack?.stop();
	hooks?.close();
}, 60_000);

const databases = async () => (await stack.server.query<{ datname: string }>('SELECT datname FROM pg_database ORDER BY 1')).map(({ datname }) => datname);

async function backUp(workflow: string): Promise<RecoveryPointSummary> {
	const execution = await n8n.execute(workflow, 'Run Now', 400_000);
	expect(execution.describe()).toMatch(/is "success"/);
	return execution.items<{ recoveryPoint: RecoveryPointSummary }>('Report')[0]!.recoveryPoint;
}

/** Encrypts every upload under another name and leaves a note, as ransomware does. */
async function strike(folder: string): Promise<void> {
	for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
		if (!entry.isFile()) continue;
		const path = join(entry.parentPath, entry.name);
		const cipher = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16));
		await writeFile(path, Buffer.concat([cipher.update(await readFile(path)), cipher.final()]));
		await rename(path, `${path}.locked`);
	}
	await writeFile(join(folder, 'HOW TO GET YOUR FILES BACK.txt'), 'Pay.');
}

describe('a drill, then ransomware', () => {
	let whole: Awaited<ReturnType<typeof readStack>>;
	let uploads: Awaited<ReturnType<typeof readTree>>;
	let clean: RecoveryPointSummary;

	test('the drill restores every part into throwaway places, asks the assertions, forecasts, and leaves nothing behind', async () => {
		whole = await readStack(stack);
		uploads = await readTree(stack.folders.uploads);
		clean = await backUp(SHIPPED.fullBackup);
		const before = await databases();
		const execution = await n8n.execute(SHIPPED.restoreDrill, 'Run Now', 300_000);
		expect(execution.describe()).toMatch(/is "success" after: Run Now > .* > Done > Next Expected > Report Success$/);
		const [result] = execution.items<DrillResult>('Result');
		expect(result!.stages.map(({ stage, state }) => `${stage} ${state}`)).toEqual(['database done', 'redis done', 'uploads done', 'configuration done', 'logs done', 'n8n done']);
		expect(result!.stages[0]!.detail).toContain('All 2 assertions in SQL hold. The HTTP check');
		expect(told.get('/drill')).toEqual([expect.objectContaining({ database: expect.stringContaining('drill') })]);
		expect(result!.forecast).toMatchObject({ reached: true, drills: 1 });
		expect(result!.stages.every(({ seconds }) => seconds > 0)).toBe(true);
		console.log('drill', JSON.stringify(result!.stages.map(({ stage, seconds }) => [stage, seconds])), JSON.stringify(result!.forecast));
		expect(await databases()).toEqual(before);
	});

	test('a drill whose assertion does not hold fails, says which, and is not gone on with', async () => {
		answer = async (path) => (path === '/drill' ? 500 : 200);
		const before = await databases();
		const execution = await n8n.execute(SHIPPED.restoreDrill, 'Run Now', 300_000);
		expect(execution.status).toBe('error');
		expect(execution.error?.message).toMatch(/^The drill of recovery point .* failed\. database: The HTTP check .*\/drill answered 500\./);
		expect(await databases()).toEqual(before);
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ name: 'Recovery: Drill', state: 'abandoned' });
		answer = async () => 200;
	});

	test('ransomware encrypts the uploads; backups go on all the same', async () => {
		// Five are needed to tell; the seventh would be a full one again, which few of its kind came before.
		for (let day = 0; day < 5; day++) {
			await writeFile(join(stack.folders.uploads, `of day ${day}.txt`), `day ${day}`);
			await backUp(SHIPPED.dailyBackup);
		}
		await strike(stack.folders.uploads);
		await backUp(SHIPPED.dailyBackup);
		await backUp(SHIPPED.fullBackup);
	});

	test('the runbook holds retention, proposes the point of before, secures evidence and restores it beside', async () => {
		const attacked = await readTree(stack.folders.uploads);
		const visit = await FormVisit.begin(n8n.url, 'scenario-ransomware', ['Files end in .locked & <b>"notes"</b> lie about', 'Ana, by telephone'], FORM_LOGIN);
		const page = await visit.page();
		expect(page).toContain(clean.id);
		expect(page).toContain('The first sign is of');
		expect(page).toContain('on hold in 3 of 3 places');
		expect(page).toContain('Retention is on hold in every place.');
		expect(page).toContain('suspicious');
		// Too few backups to be sure: only whoever names the point may go on.
		await visit.submit(['', '', 'RESTORE BESIDE']);
		await until('nobody has decided', async () => (await newestRecovery(n8n.storeFolder))?.state === 'failed', 60);
		expect((await newestRecovery(n8n.storeFolder))!.nextStage).toBe('decide');
		const again = await FormVisit.begin(n8n.url, 'scenario-ransomware', ['again', 'Ana'], FORM_LOGIN);
		expect(await again.page()).toContain(clean.id);
		await again.submit(['', clean.id, 'RESTORE BESIDE']);
		await until('the runbook is over', async () => (await newestRecovery(n8n.storeFolder))?.state !== 'running', 120);
		const recovery = (await newestRecovery(n8n.storeFolder)) as RecoverySummary;
		expect(recovery.stages.map(({ stage, state, error }) => `${stage} ${state} ${error?.message ?? ''}`.trim())).toEqual(['isolate done', 'hold done', 'locks done', 'find done', 'decide done', 'forensics done', 'uploads done', 'scan done', 'database done']);
		expect(recovery.state).toBe('succeeded');
		console.log('ransomware', JSON.stringify(recovery.stages.map(({ stage, seconds }) => [stage, seconds])));

		const { recoveryPoint, mark } = recovery.results.decide as { recoveryPoint: string; mark: string };
		expect(recoveryPoint).toBe(clean.id);
		expect(treeDifferences(uploads, await readTree(join(recoveryFolder, `clean-uploads-${mark}`)))).toEqual([]);
		expect(differences(whole.database, await snapshotContents(stack.server, `${SHIPPED_DATABASE}_clean_${mark}`))).toEqual([]);
		expect(told.get('/scan')).toEqual([{ folder: join(recoveryFolder, `clean-uploads-${mark}`), recoveryPoint: clean.id }]);
		expect(told.get('/stop')).toHaveLength(1);
		// Nothing live was touched, nothing can be pruned.
		expect(treeDifferences(attacked, await readTree(stack.folders.uploads))).toEqual([]);
		for (const place of [n8n.storeFolder, stack.places.second, stack.places.third]) expect(await readFile(join(place, 'status', 'retention-hold.json'), 'utf8')).toContain('Ransomware');

		const { folder, listedFiles } = (recovery.results.forensics as { forensics: { folder: string; listedFiles: number } }).forensics;
		expect(listedFiles).toBeGreaterThan(100);
		await run('sha256sum', ['--strict', '--quiet', '-c', 'SHA256SUMS'], { cwd: folder });
		expect(JSON.parse(await readFile(join(folder, 'about.json'), 'utf8'))).toMatchObject({ note: 'Files end in .locked & <b>"notes"</b> lie about (Ana, by telephone)' });
	});

	test('a scanner that finds something stops it, and a person chooses again', async () => {
		answer = async (path) => (path === '/scan' ? 409 : 200);
		const visit = await FormVisit.begin(n8n.url, 'scenario-ransomware', ['again', 'Ana'], FORM_LOGIN);
		await visit.page();
		await visit.submit(['', clean.id, 'RESTORE BESIDE']);
		expect(await visit.page()).toContain('choose again');
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ state: 'failed', nextStage: 'decide' });
		expect((await databases()).filter((name) => name.includes('_clean_'))).toHaveLength(1);
		answer = async () => 200;
		const again = await FormVisit.begin(n8n.url, 'scenario-ransomware', ['again', 'Ana'], FORM_LOGIN);
		expect(await again.page()).toContain('The scanner did not call');
		await again.submit(['', clean.id, 'RESTORE BESIDE']);
		expect(await again.page()).toMatch(/Clean copies are beside.*Earlier tries left copies.*All of it could be read/);
		const recovery = (await newestRecovery(n8n.storeFolder)) as RecoverySummary;
		expect(recovery.stages.filter(({ tries }) => tries > 1).map(({ stage }) => stage)).toEqual(['decide', 'uploads', 'scan']);
		expect(recovery.decisions.map(({ answer: said, by }) => [said, by])).toEqual([[`RESTORE BESIDE ${clean.id}`, 'Ana'], [`RESTORE BESIDE ${clean.id}`, 'Ana']]);
		expect((await databases()).filter((name) => name.includes('_clean_'))).toHaveLength(2);
	});
	test('a page that nobody answers holds nobody up: another takes it over, and then it is given up', async () => {
		const begin = async (open: string) => await FormVisit.begin(n8n.url, 'scenario-ransomware', ['again', 'Bea', open], FORM_LOGIN);
		expect(await (await begin('')).page()).toContain(clean.id);
		expect(await (await begin('')).page()).toMatch(/seems to be under way.*Take Over/);
		expect(await (await begin('Take it over: nobody is at it any more')).page()).toContain(clean.id);
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ attempts: 2 });
		expect(await (await begin('Give it up')).page()).toContain('The runbook is given up');
		expect(await newestRecovery(n8n.storeFolder)).toMatchObject({ state: 'abandoned', decisions: [] });
	});
});
