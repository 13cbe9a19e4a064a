import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { createCrmDatabase } from '../support/crm-database';
import { startN8n, type N8nServer } from '../support/n8n-server';
import { folderPlace, FORM_LOGIN } from '../support/n8n-credentials';
import { type PackedPackage, packPackage } from '../support/packed-package';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { installShippedWorkflows, SHIPPED, SHIPPED_DATABASE } from '../support/shipped-workflows';
import { SmtpServer } from '../support/smtp-server';
import { until } from '../support/until';
import { WebhookReceiver } from '../support/webhook-receiver';

const NIGHTLY = 'brTestNightly001';
const VERIFY = 'brTestVerify0001';
/** Of a database that is not there yet. */
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
	mkdirSync(config());
	mkdirSync(second());
	writeFileSync(join(config(), '.env.local'), 'COLOUR=blue');
	const people = [
		{ role: 'DBA', name: 'Ana', phone: '+55 11 5555', email: 'ana@example.com', slack: '', fromLevel: 1 },
		{ role: 'CEO', name: 'Bia', phone: '+55 11 6666', email: 'bia@example.com', slack: 'U0123ABC', fromLevel: 3 },
	];
	const vendors = [{ service: 'Hosting <us>', name: '', phone: '+1 555', email: '', sla: '4 h', contract: 'No. 7' }];
	const settings = { 'contacts.people': JSON.stringify(people), 'contacts.vendors': JSON.stringify(vendors), 'required.components': '["postgres", "files"]', 'folders.config': config(), 'n8n.url': `${n8n.url}/` };
	const besides = { credentials: [{ id: 'brStoreSmall0001', name: 'Small', type: 'backupStoreApi', data: { type: 'folder', path: small(), prefix: '' } }], workflows: [nightly(), verifying()] };
	const places = [folderPlace(n8n.storeFolder), folderPlace(second()), folderPlace(second())] as const;
	await installShippedWorkflows(n8n, server, { besides, places, channels: { slackUrl: `${slack.url}/slack`, slackToken: TOKEN, smtpPort: smtp.port, pingUrl: `${slack.url}/ping/{workflow}` }, settings });
	// Somebody else's: it is left alone until it is moved away.
	await server.query('CREATE TABLE backup_log (note text)');
	await n8n.publish(NIGHTLY, VERIFY);
}, 240_000);

afterAll(async () => {
	await n8n?.stop();
	await packed?.remove();
	await Promise.all([server?.stop(), smtp?.stop(), slack?.stop()]);
}, 60_000);

/** Where a store has only 3 MB. */
const small = () => join(n8n.storeFolder, 'small');
const config = () => join(n8n.storeFolder, 'configuration');
const second = () => join(n8n.storeFolder, 'second');

/** A backup on a schedule, as the shipped ones end: what fails goes to the error workflow, a success says when the next is due. */
function nightly(): object {
	const call = (id: string) => ({ workflowId: { __rl: true, mode: 'id', value: id }, workflowInputs: { mappingMode: 'defineBelow', value: {}, schema: [] }, options: {} });
	const dump = { operation: 'database', database: { __rl: true, mode: 'name', value: '={{ $json.body.database }}' }, selection: {}, options: {} };
	const store = (id: string) => ({ backupPostgresApi: { id: 'brPostgresCred01', name: 'p' }, backupStoreApi: { id, name: 's' } });
	const started = { ...call(SHIPPED.runStarted), workflowInputs: { mappingMode: 'defineBelow', value: { scheduleId: '={{ $workflow.id }}', scheduleName: '={{ $workflow.name }}' }, schema: [] }, options: { waitForSubWorkflow: false } };
	return workflow(NIGHTLY, 'Nightly <i>dump</i>', [
		['Report Start', 'n8n-nodes-base.executeWorkflow', 1.2, started, {}],
		['Small?', 'n8n-nodes-base.if', 2.2, { conditions: { options: { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 }, conditions: [{ id: 'a', leftValue: '={{ $json.body.small === true }}', rightValue: '', operator: { type: 'boolean', operation: 'true', singleValue: true } }], combinator: 'and' }, options: {} }, {}],
		['Dump', 'n8n-nodes-backup-recovery.postgresDump', 1, dump, store('brStoreCred00001')],
		['Dump to Small', 'n8n-nodes-backup-recovery.postgresDump', 1, dump, store('brStoreSmall0001')],
		['Next Expected', 'n8n-nodes-base.set', 3.4, { assignments: { assignments: [{ id: 'schedule', name: 'schedule', type: 'object', value: `={{ { id: $workflow.id, name: $workflow.name, nextWithinHours: 24 } }}` }] }, includeOtherFields: false, options: {} }, {}],
		['Report Success', 'n8n-nodes-base.executeWorkflow', 1.2, call(SHIPPED.runSucceeded), {}],
	], [['Call', 'Report Start'], ['Report Start', 'Small?'], ['Small?', 'Dump to Small', 0], ['Small?', 'Dump', 1], ['Dump', 'Next Expected'], ['Dump to Small', 'Next Expected'], ['Next Expected', 'Report Success']]);
}

function verifying(): object {
	const integrity = { operation: 'integrity', component: 'postgres', backupChoice: 'id', backup: { __rl: true, mode: 'id', value: '={{ $json.body.backup }}' }, level: 'checksum', options: {} };
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
	expect(slack.gets).toEqual(['/ping/nightly-i-dump-i']);
	// The guide wants files backed up too, and nobody did.
	expect(await check()).toEqual(['PROBLEM: The table backup_log could not be written', 'PROBLEM (critical): Files: there is no backup']);
	expect(lastMail()).toMatchObject({ to: ['team@example.com'], text: expect.stringContaining('What to do: Run Backup: Full by hand') });
	expect(lastMail().text).toContain(`Look: ${n8n.url}/workflow/${SHIPPED.checkBackups}/executions/`);
	expect(await check()).toEqual([]);
	// The check is watched as well, by a switch of its own.
	expect(slack.gets).toEqual(['/ping/nightly-i-dump-i', '/ping/backup-check', '/ping/backup-check']);
}, 120_000);

const logged = async () => await server.query<{ status: string; source: string; size_mb: string | null; error_code: string | null }>('SELECT status, source, size_mb, error_code FROM backup_log ORDER BY created_at');

test('the log shows a run while it goes on, its end, and one that failed, without anybody asking for it', async () => {
	await server.query('ALTER TABLE backup_log RENAME TO somebody_elses');
	const answered = new Promise<number>((resolve, reject) => {
		void (async () => {
			const client = new pg.Client({ host: server.host, port: server.port, user: server.user, password: server.password, database: SHIPPED_DATABASE });
			await client.connect();
			try {
				await client.query('BEGIN; LOCK TABLE deals IN ACCESS EXCLUSIVE MODE');
				const answer = n8n.webhook(NIGHTLY, { database: SHIPPED_DATABASE });
				await until('the log shows the run', async () => (await logged().catch(() => [])).some(({ status }) => status === 'running'), 60);
				await client.query('COMMIT');
				resolve((await answer).status);
			} finally {
				await client.end();
			}
		})().catch(reject);
	});
	expect(await answered).toBe(200);
	expect(await logged()).toEqual([expect.objectContaining({ status: 'success', source: SHIPPED_DATABASE }), expect.objectContaining({ status: 'success', source: SHIPPED_DATABASE, error_code: null, size_mb: expect.stringMatching(/^\d+\.\d+$/) })]);
	expect(await server.query("SELECT component, total_backups::int AS total, status FROM backup_status WHERE name = 'postgres'")).toEqual([{ component: 'PostgreSQL', total: 2, status: 'OK' }]);
	expect(news()).toEqual([]);
}, 120_000);

test('a dump that fails is told once, word for word as text, and once more when it is over', async () => {
	expect(await run({ database: HOSTILE })).toBe(false);
	expect(news()).toEqual(['PROBLEM (critical): FAILED: Nightly <i>dump</i> (Dump)']);
	expect((await logged()).at(-1)).toMatchObject({ status: 'failed', source: HOSTILE });
	expect(lastMail().text).toContain(HOSTILE);
	expect(lastMail().text).toContain('node "Dump"');
	expect(lastMail().text).toMatch(/What to do: .*Choose one that exists/);
	expect(lastMail().text).toMatch(/Look: http/);
	expect(await run({ database: HOSTILE })).toBe(false);
	expect(news()).toEqual([]);
	// The check sees the failed run in the store too, and says what it knows of it: once.
	expect(await check()).toEqual(['PROBLEM: PostgreSQL: a backup run failed']);
	expect(lastMail().text).not.toContain('Call: ');
	expect(await check()).toEqual([]);

	// Two hours later nobody has done anything.
	const folder = join(n8n.storeFolder, 'status', 'next-expected');
	const schedules = readdirSync(folder);
	for (const path of [join(n8n.storeFolder, 'status', 'alerts.json'), ...schedules.map((name) => join(folder, name))]) {
		const text = readFileSync(path, 'utf8');
		writeFileSync(path, text.replace(/"(since|toldAt|succeededAt)": ?"([^"]+)"/g, (_, name: string, at: string) => `"${name}":"${new Date(Date.parse(at) - 7_200_000).toISOString()}"`));
	}
	expect((await check()).sort()).toEqual(['STILL OPEN (critical): FAILED: Nightly <i>dump</i> (Dump)', 'STILL OPEN (critical): Files: there is no backup', 'STILL OPEN: PostgreSQL: a backup run failed']);
	expect(smtp.mails.slice(-3).map(({ text }) => text).join()).toContain('Vendor: Hosting <us> +1 555, answers within 4 h, contract No. 7');
	expect(lastMail().to).toEqual(['team@example.com', 'ana@example.com']);
	expect(lastMail().text).toContain('Call: Ana (DBA) +55 11 5555 ana@example.com');
	expect(await check()).toEqual([]);

	// Somebody makes the database, and the next run saves it.
	await server.createDatabase(HOSTILE);
	expect(await run({ database: HOSTILE })).toBe(true);
	expect((await check()).sort()).toEqual(['RESOLVED: FAILED: Nightly <i>dump</i> (Dump)', 'RESOLVED: PostgreSQL: a backup run failed']);
	expect(lastMail().text).toContain('It is over');
	expect(await check()).toEqual([]);
}, 120_000);

test('an artifact that rots is told with what to do, and is over when it was brought back and read whole', async () => {
	const newest = readdirSync(backupsFolder()).sort().at(-1)!;
	const artifact = readdirSync(join(backupsFolder(), newest)).find((name) => name.includes('dump'))!;
	const path = join(backupsFolder(), newest, artifact);
	const sound = readFileSync(path);
	const bytes = Buffer.from(sound);
	bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
	writeFileSync(path, bytes);
	await n8n.webhook(VERIFY, { backup: newest });
	expect(await check()).toEqual(['PROBLEM (critical): PostgreSQL: a backup is damaged']);
	expect(lastMail().text).toContain(newest);
	expect(lastMail().text).toContain('What to do: Do not restore from it.');
	expect(await check()).toEqual([]);
	writeFileSync(path, sound);
	await n8n.webhook(VERIFY, { backup: newest });
	expect(await check()).toEqual(['RESOLVED: PostgreSQL: a backup is damaged']);
}, 120_000);

(process.getuid?.() === 0 ? test : test.skip)('a full disk is told with the words of the error', async () => {
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small()]);
	try {
		await server.query(`CREATE TABLE filler AS SELECT md5(n::text) || md5((n * 7)::text) AS text FROM generate_series(1, 60000) n`, SHIPPED_DATABASE);
		// A channel that answers as Slack's incoming webhooks and Mattermost do.
		slack.answer = 'ok';
		expect(await run({ database: SHIPPED_DATABASE, small: true })).toBe(false);
		expect(news()).toEqual(['PROBLEM (critical): FAILED: Nightly <i>dump</i> (Dump to Small)']);
		expect(lastMail().text).toContain('no space is left');
		await server.query('DROP TABLE filler', SHIPPED_DATABASE);
	} finally {
		execFileSync('umount', [small()]);
		slack.answer = 'json';
	}
	expect(await run({ database: SHIPPED_DATABASE })).toBe(true);
	expect(await check()).toEqual(['RESOLVED: FAILED: Nightly <i>dump</i> (Dump to Small)']);
}, 120_000);

/** Makes time pass for a schedule: what the store records of it lies so many hours farther back. When it was due, by a clock that never comes in a test, is given. */
function agedBy(hours: number, id: string, due?: Date): void {
	const earlier = (at: string) => new Date(Date.parse(at) - hours * 3_600_000).toISOString();
	for (const folder of ['next-expected', 'started'].map((name) => join(n8n.storeFolder, 'status', name))) {
		for (const path of readdirSync(folder).map((name) => join(folder, name))) {
			const record = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
			if (record.id !== id) continue;
			for (const name of ['succeededAt', 'startedAt', 'nextBy']) if (record[name] !== undefined) record[name] = earlier(record[name]);
			if (due && record.succeededAt !== undefined) record.dueAt = due.toISOString();
			writeFileSync(path, JSON.stringify(record));
		}
	}
}

test('a schedule that silently stops is told by the check and by the command line; published again, it is made up for when n8n starts', async () => {
	const runs = async () => (await n8n.rest.executions(SHIPPED.configurationBackup)).filter(({ status }) => status === 'success').length;
	const name = 'Backup: Configuration';
	expect((await n8n.execute(SHIPPED.configurationBackup, 'Run Now')).describe()).toMatch(/is "success" after: .* > Report Success$/);
	expect(await check()).toEqual([]);
	expect(await runs()).toBe(1);

	// A week and some hours later.
	await n8n.rest.unpublish(SHIPPED.configurationBackup);
	agedBy(174.5, SHIPPED.configurationBackup);
	expect(await check()).toEqual([`PROBLEM (critical): ${name}: did not run when it should have`]);
	expect(lastMail().text).toMatch(/Its last success was at \d{4}-/);
	expect(await check()).toEqual([]);
	expect(outside()).toMatchObject({ code: 2, text: expect.stringContaining(`${name} did not run when it should have`) });
	expect(await runs()).toBe(1);

	await n8n.publish(SHIPPED.configurationBackup);
	await until('it is published', async () => (await n8n.rest.workflows()).some(({ id, active }) => id === SHIPPED.configurationBackup && active));
	// Publishing ends a moment after n8n says so; killed before, it has not happened.
	await new Promise((resolve) => setTimeout(resolve, 3000));
	agedBy(0, SHIPPED.configurationBackup, new Date(Date.now() - 6 * 3_600_000));
	await n8n.kill();
	await n8n.restart();
	await until('what was missed has run', async () => (await runs()) > 1, 90);
	await until('it is told that it is over', async () => (await check()).includes(`RESOLVED: ${name}: did not run when it should have`), 60);
	// Its success is known, so nobody starts it a third time.
	expect(await check()).toEqual([]);
	expect(await runs()).toBe(2);
}, 240_000);

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
	expect(mail).toMatchObject({ to: ['team@example.com'], subject: expect.stringMatching(/^(OK|WARNING|CRITICAL): Backups, report of [A-Z][a-z]+ \d{4}/) });
	expect(mail?.raw).toMatch(/^Content-Type: multipart\/alternative/im);
	expect(mail?.raw).toMatch(/^Content-Type: text\/plain/im);
	expect(mail?.raw).toMatch(/^Content-Type: text\/html/im);
	expect(mail?.raw).not.toContain(server.password);
	const [report] = execution.items<{ text: string; html: string }>('Report');
	expect(report?.text).toMatch(/DAY BY DAY\n(- .*\n)*- \d{4}-\d\d-\d\d postgres: /);
	expect(report?.html).not.toContain('<script');
}, 60_000);
