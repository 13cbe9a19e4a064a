import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCrmDatabase } from '../support/crm-database';
import { startN8n, type N8nServer } from '../support/n8n-server';
import { FORM_LOGIN } from '../support/n8n-credentials';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { installShippedWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { SmtpServer } from '../support/smtp-server';
import { until } from '../support/until';
import { WebhookReceiver } from '../support/webhook-receiver';

const NIGHTLY = 'brTestNightly001';
const VERIFY = 'brTestVerify0001';
const HOSTILE = `no "such" <b>db</b>'; DROP TABLE x; -- <!channel> *bold* &amp;`;
const TOKEN = 'xoxb-throwaway-token';

let server: PostgresServer;
let packed: PackedPackage;
let n8n: N8nServer;
let smtp: SmtpServer;
let slack: WebhookReceiver;

beforeAll(async () => {
	[server, packed, smtp, slack] = await Promise.all([startPostgres(), packPackage(), SmtpServer.start(), WebhookReceiver.start()]);
	await createCrmDatabase(server, SHIPPED_DATABASE, 0.1);
	n8n = await startN8n({ databaseServer: server, tarball: packed.tarball });
	mkdirSync(small());
	const besides = { credentials: [{ id: 'brStoreSmall0001', name: 'Small', type: 'backupStoreApi', data: { type: 'folder', path: small(), prefix: '' } }], workflows: [nightly(), verifying()] };
	await installShippedWorkflows(n8n, server, { besides, channels: { slackUrl: `${slack.url}/slack`, slackToken: TOKEN, smtpPort: smtp.port, pingUrl: `${slack.url}/ping/backup` }, settings: { 'contacts.onCall': '{ "name": "Ana", "phone": "+55 11 5555", "email": "ana@example.com" }', 'contacts.vendors': '[{ "name": "Hosting <us>", "phone": "+1 555", "email": "", "sla": "4 h" }]' } });
	await n8n.publish(NIGHTLY, VERIFY);
}, 240_000);

afterAll(async () => {
	await n8n?.stop();
	await packed?.remove();
	await Promise.all([server?.stop(), smtp?.stop(), slack?.stop()]);
}, 60_000);

/** Where a store has only 3 MB. */
const small = () => join(n8n.storeFolder, 'small');

/** A backup on a schedule, as the shipped ones end: what fails goes to the error workflow, a success says when the next is due. */
function nightly(): object {
	const call = (id: string) => ({ workflowId: { __rl: true, mode: 'id', value: id }, workflowInputs: { mappingMode: 'defineBelow', value: {}, schema: [] }, options: {} });
	const dump = { operation: 'database', database: { __rl: true, mode: 'name', value: '={{ $json.body.database }}' }, selection: {}, options: {} };
	const store = (id: string) => ({ backupPostgresApi: { id: 'brPostgresCred01', name: 'p' }, backupStoreApi: { id, name: 's' } });
	return workflow(NIGHTLY, 'Nightly <i>dump</i>', [
		['Small?', 'n8n-nodes-base.if', 2.2, { conditions: { options: { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 }, conditions: [{ id: 'a', leftValue: '={{ $json.body.small === true }}', rightValue: '', operator: { type: 'boolean', operation: 'true', singleValue: true } }], combinator: 'and' }, options: {} }, {}],
		['Dump', 'n8n-nodes-backup-recovery.postgresDump', 1, dump, store('brStoreCred00001')],
		['Dump to Small', 'n8n-nodes-backup-recovery.postgresDump', 1, dump, store('brStoreSmall0001')],
		['Next Expected', 'n8n-nodes-base.set', 3.4, { assignments: { assignments: [{ id: 'schedule', name: 'schedule', type: 'object', value: `={{ { id: $workflow.id, name: $workflow.name, nextWithinHours: $('Call').first().json.body.hours ?? 24 } }}` }] }, includeOtherFields: false, options: {} }, {}],
		['Report Success', 'n8n-nodes-base.executeWorkflow', 1.2, call(SHIPPED.runSucceeded), {}],
	], [['Call', 'Small?'], ['Small?', 'Dump to Small', 0], ['Small?', 'Dump', 1], ['Dump', 'Next Expected'], ['Dump to Small', 'Next Expected'], ['Next Expected', 'Report Success']]);
}

function verifying(): object {
	const integrity = { operation: 'integrity', component: 'postgres', backupChoice: 'latest', level: 'checksum', options: {} };
	return workflow(VERIFY, VERIFY, [['Verify', 'n8n-nodes-backup-recovery.verifyBackup', 1, integrity, { backupStoreApi: { id: 'brStoreCred00001', name: 's' }, backupEncryptionApi: { id: 'brEncryptCred001', name: 'e' } }]], [['Call', 'Verify']], 'continueRegularOutput');
}

type Node = readonly [name: string, type: string, version: number, parameters: object, credentials: object];

function workflow(id: string, name: string, nodes: readonly Node[], links: readonly (readonly [from: string, to: string, output?: number])[], onError?: string): object {
	const call = { id: 'call', name: 'Call', type: 'n8n-nodes-base.webhook', typeVersion: 2, position: [0, 0], webhookId: id, parameters: { path: id, httpMethod: 'POST', responseMode: 'lastNode', options: {} } };
	const missed = { id: 'missed', name: 'Run Missed', type: 'n8n-nodes-base.executeWorkflowTrigger', typeVersion: 1.1, position: [0, 200], parameters: { inputSource: 'passthrough' } };
	const connections: Record<string, { main: { node: string; type: 'main'; index: 0 }[][] }> = {};
	for (const [from, to, output = 0] of links) {
		const main = (connections[from] ??= { main: [] }).main;
		while (main.length <= output) main.push([]);
		main[output]?.push({ node: to, type: 'main', index: 0 });
	}
	return {
		id,
		name,
		active: false,
		settings: { executionOrder: 'v1', errorWorkflow: SHIPPED.errorAlert },
		nodes: [call, missed, ...nodes.map(([nodeName, type, typeVersion, parameters, credentials], index) => ({ id: `n${index}`, name: nodeName, type, typeVersion, position: [0, 0], parameters, credentials, ...(onError && { onError }) }))],
		connections,
	};
}

/** Whether the error workflow has come to its end for it too. */
async function run(body: object): Promise<boolean> {
	const before = (await n8n.rest.executions(SHIPPED.errorAlert)).length;
	const { status } = await n8n.webhook(NIGHTLY, body);
	if (status === 200) return true;
	await until('the error workflow has run', async () => (await n8n.rest.executions(SHIPPED.errorAlert)).length > before);
	const [newest] = await n8n.rest.executions(SHIPPED.errorAlert);
	const alert = await n8n.rest.finished(newest!.id);
	expect(alert.describe()).toMatch(/is "success"/);
	return false;
}

/** Runs *Backup: Check*; yields the subjects of the mails that came since the last time. */
async function check(): Promise<string[]> {
	const execution = await n8n.execute(SHIPPED.checkBackups, 'Check Now');
	expect(execution.describe()).toMatch(/is "success"/);
	return news();
}

let seen = 0;
/** Each alert comes by both ways, with the same words. */
function news(): string[] {
	const mails = smtp.mails.slice(seen);
	const posts = slack.posts.slice(seen);
	expect(posts.map(({ body }) => asText(body.text))).toEqual(mails.map(({ text }) => text.replaceAll('\r\n', '\n').trim()));
	for (const { headers, body } of posts) {
		expect(headers.authorization).toBe(`Bearer ${TOKEN}`);
		expect(body).toMatchObject({ mrkdwn: false, channel: '#alerts' });
		// Nothing in it can be a command to Slack.
		expect(body.text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
	}
	for (const mail of mails) {
		expect(mail.raw).toMatch(/^Content-Type: text\/plain/im);
		expect(mail.raw + mail.text).not.toContain(server.password);
	}
	seen = smtp.mails.length;
	return mails.map(({ subject }) => subject);
}

const asText = (markup: string) => markup.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').trim();
const lastMail = () => smtp.mails.at(-1)!;
const backupsFolder = () => join(n8n.storeFolder, 'backups', 'postgres');

test('a success pings the watch outside; of a store with nothing but a fresh dump only what is missing is told, once', async () => {
	expect(await run({ database: SHIPPED_DATABASE })).toBe(true);
	expect(slack.gets).toEqual(['/ping/backup']);
	// The guide wants files backed up too, and nobody did.
	expect(await check()).toEqual(['PROBLEM (critical): Files: there is no backup']);
	expect(lastMail()).toMatchObject({ to: ['team@example.com'], text: expect.stringContaining('What to do: Run Backup: Full by hand') });
	expect(await check()).toEqual([]);
}, 120_000);

test('a dump that fails is told once, word for word as text, and once more when it is over', async () => {
	expect(await run({ database: HOSTILE })).toBe(false);
	expect(news()).toEqual(['PROBLEM (critical): FAILED: Nightly <i>dump</i>']);
	expect(lastMail().text).toContain(HOSTILE);
	expect(lastMail().text).toContain('node "Dump"');
	expect(lastMail().text).toMatch(/What to do: .*Choose one that exists/);
	expect(lastMail().text).toMatch(/Look: http/);
	expect(await run({ database: HOSTILE })).toBe(false);
	expect(news()).toEqual([]);
	// The check sees the failed run in the store too, and says what it knows of it: once.
	expect(await check()).toEqual(['PROBLEM: PostgreSQL: a backup run failed']);
	expect(lastMail().text).toContain('Call: Ana +55 11 5555');
	expect(await check()).toEqual([]);

	// Two hours later nobody has done anything.
	const folder = join(n8n.storeFolder, 'status', 'next-expected');
	const schedules = readdirSync(folder);
	for (const path of [join(n8n.storeFolder, 'status', 'alerts.json'), ...schedules.map((name) => join(folder, name))]) {
		const text = readFileSync(path, 'utf8');
		writeFileSync(path, text.replace(/"(since|toldAt|succeededAt)": ?"([^"]+)"/g, (_, name: string, at: string) => `"${name}":"${new Date(Date.parse(at) - 7_200_000).toISOString()}"`));
	}
	expect((await check()).sort()).toEqual(['STILL OPEN (critical): FAILED: Nightly <i>dump</i>', 'STILL OPEN (critical): Files: there is no backup', 'STILL OPEN: PostgreSQL: a backup run failed']);
	expect(smtp.mails.slice(-3).map(({ text }) => text).join()).toContain('Vendor: Hosting <us> +1 555, answers within 4 h');
	expect(lastMail().to).toContain('ana@example.com');
	expect(await check()).toEqual([]);

	expect(await run({ database: SHIPPED_DATABASE })).toBe(true);
	expect(await check()).toContain('RESOLVED: FAILED: Nightly <i>dump</i>');
	expect(lastMail().text).toContain('It is over');
	expect(await check()).toEqual([]);
	rmSync(join(n8n.storeFolder, 'status', 'last-run'), { recursive: true });
	expect(await check()).toEqual(['RESOLVED: PostgreSQL: a backup run failed']);
}, 120_000);

test('an artifact that rots is told with what to do, and is over when the backup is gone', async () => {
	const newest = readdirSync(backupsFolder()).sort().at(-1)!;
	const artifact = readdirSync(join(backupsFolder(), newest)).find((name) => name.includes('dump'))!;
	const path = join(backupsFolder(), newest, artifact);
	const bytes = readFileSync(path);
	bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
	writeFileSync(path, bytes);
	await n8n.webhook(VERIFY, {});
	expect(await check()).toEqual(['PROBLEM (critical): PostgreSQL: a backup is damaged']);
	expect(lastMail().text).toContain(newest);
	expect(lastMail().text).toContain('What to do: Do not restore from it.');
	expect(await check()).toEqual([]);
	rmSync(join(backupsFolder(), newest), { recursive: true });
	expect(await check()).toEqual(['RESOLVED: PostgreSQL: a backup is damaged']);
}, 120_000);

(process.getuid?.() === 0 ? test : test.skip)('a full disk is told with the words of the error', async () => {
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small()]);
	try {
		await server.query(`CREATE TABLE filler AS SELECT md5(n::text) || md5((n * 7)::text) AS text FROM generate_series(1, 60000) n`, SHIPPED_DATABASE);
		expect(await run({ database: SHIPPED_DATABASE, small: true })).toBe(false);
		expect(news()).toEqual(['PROBLEM (critical): FAILED: Nightly <i>dump</i>']);
		expect(lastMail().text).toContain('no space is left');
		await server.query('DROP TABLE filler', SHIPPED_DATABASE);
	} finally {
		execFileSync('umount', [small()]);
	}
	expect(await run({ database: SHIPPED_DATABASE })).toBe(true);
	expect(await check()).toEqual(['RESOLVED: FAILED: Nightly <i>dump</i>']);
}, 120_000);

test('a schedule that silently stops is told by the check and by the command line, and what was missed runs when n8n starts', async () => {
	// About four seconds.
	expect(await run({ database: SHIPPED_DATABASE, hours: 0.001 })).toBe(true);
	await new Promise((resolve) => setTimeout(resolve, 4500));
	expect(await check()).toEqual(['PROBLEM (critical): Nightly <i>dump</i>: did not run when it should have']);
	expect(lastMail().text).toMatch(/Its last success was at \d{4}-/);
	expect(await check()).toEqual([]);
	expect(outside()).toMatchObject({ code: 2, text: expect.stringContaining('Nightly <i>dump</i> did not run when it should have') });

	const before = (await n8n.rest.executions(NIGHTLY)).length;
	await n8n.kill();
	await n8n.restart();
	await until('what was missed was started', async () => (await n8n.rest.executions(NIGHTLY)).length > before, 60);
	await n8n.webhook(NIGHTLY, { database: SHIPPED_DATABASE });
	await until('it is told that it is over', async () => (await check()).includes('RESOLVED: Nightly <i>dump</i>: did not run when it should have'), 60);
}, 180_000);

test('the dashboard is a page behind a login, and what others wrote is text on it', async () => {
	const page = async (authorization?: string) => await fetch(`${n8n.url}/webhook/backups`, { headers: authorization === undefined ? {} : { authorization } });
	await until('its webhook is there', async () => (await page()).status !== 404);
	expect((await page()).status).toBe(401);
	const answer = await page(`Basic ${Buffer.from(`${FORM_LOGIN.user}:${FORM_LOGIN.password}`).toString('base64')}`);
	expect(answer.status).toBe(200);
	expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
	expect(answer.headers.get('refresh')).toBe('60');
	const html = await answer.text();
	expect(html).toContain(`Backups of ${SHIPPED_DATABASE}`);
	expect(html).not.toMatch(/<script|<b>db|<i>dump/);
	expect(html).toMatch(/PostgreSQL[^]*Files/);
}, 60_000);

/** What a cron job on another machine sees. */
function outside(): { code: number; text: string } {
	const entry = join(__dirname, '..', '..', 'dist', 'cli', 'backup-recovery.js');
	expect(existsSync(entry)).toBe(true);
	try {
		return { code: 0, text: execFileSync(process.execPath, [entry, 'check', '--store', n8n.storeFolder, '--component', 'postgres'], { encoding: 'utf8' }) };
	} catch (error) {
		const { status, stdout } = error as { status: number; stdout: string };
		return { code: status, text: stdout };
	}
}

test('the monthly report arrives as HTML with a plain-text part, and holds what failed before', async () => {
	const before = smtp.mails.length;
	const execution = await n8n.execute(SHIPPED.monthlyReport, 'Run Now');
	expect(execution.describe()).toMatch(/is "success"/);
	const [mail, ...others] = smtp.mails.slice(before);
	expect(others).toEqual([]);
	expect(mail).toMatchObject({ to: ['team@example.com'], subject: expect.stringMatching(/^(OK|WARNING|CRITICAL): Backups, report of 30 days/) });
	expect(mail?.raw).toMatch(/^Content-Type: multipart\/alternative/im);
	expect(mail?.raw).toMatch(/^Content-Type: text\/plain/im);
	expect(mail?.raw).toMatch(/^Content-Type: text\/html/im);
	expect(mail?.raw).not.toContain(server.password);
	const [report] = execution.items<{ text: string; html: string }>('Report');
	expect(report?.text).toMatch(/DAY BY DAY\n- \d{4}-\d\d-\d\d postgres: /);
	expect(report?.html).not.toContain('<script');
}, 60_000);
