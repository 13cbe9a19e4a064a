import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CRM_UPLOADS_SQL } from './crm-files';
import { CRM_DATABASE, type CrmStack } from './crm-stack';
import { backupCredentials, type CredentialSources, folderPlace, KEY_HEADER } from './n8n-credentials';
import type { N8nCredential, N8nServer, WebhookAnswer } from './n8n-server';
import type { PostgresServer } from './postgres-server';

/** The ids under which the bundled workflows are imported, in the order in which they are published; they never change. */
export const SHIPPED = {
	settings: 'brSettings000001',
	notify: 'brNotify00000001',
	runStarted: 'brRunStarted0001',
	runSucceeded: 'brRunSucceeded01',
	errorAlert: 'brErrorAlert0001',
	fullBackup: 'brBackupFull0001',
	dailyBackup: 'brBackupDaily001',
	configurationBackup: 'brBackupConfig01',
	recovery: 'brRecoveryDb0001',
	fullRecovery: 'brRecoveryFull01',
	recoveryFiles: 'brRecoveryFile01',
	pointInTime: 'brRecoveryPitr01',
	corruptionWatch: 'brScenWatch00001',
	dataCorruption: 'brScenCorrupt001',
	drillAssertions: 'brDrillAsserts01',
	restoreDrill: 'brRestoreDrill01',
	ransomware: 'brScenRansom0001',
	incrementalBackup: 'brBackupIncr0001',
	continuous: 'brBackupWal00001',
	breakGlass: 'brBreakGlass0001',
	serverLoss: 'brScenSrvLoss001',
	runMissed: 'brRunMissed00001',
	checkBackups: 'brCheckBackups01',
	dashboard: 'brDashboard00001',
	monthlyReport: 'brMonthlyRep0001',
	weeklyChecklist: 'brWeeklyCheck001',
} as const;

/** The database that *Backup: Settings* names as it is shipped. */
export const SHIPPED_DATABASE = CRM_DATABASE;

const FOLDER = join(__dirname, '..', '..', 'workflows');

/** The bundled workflows as a team has them after following the README: imported, with credentials, settings edited, published. */
export interface InstalledWorkflows {
	/** Calls a recovery webhook (`recovery-database`, `recovery-full`) as somebody who has its key. */
	recover(body: object, path?: string): Promise<WebhookAnswer>;
	/** Looks at the plan of *Recovery: Full*, then sends what it says, as a person does. */
	recoverAsPlanned(body?: object): Promise<WebhookAnswer>;
}

/** What a test sets in *Backup: Settings* besides the places of its stack. */
export interface SettingsToEdit {
	/** Where the workflows are; left out: those in English. */
	readonly workflows?: string;
	readonly recoveryFolder?: string;
	readonly settings?: Readonly<Record<string, string | boolean>>;
	/** Left out: alerts go nowhere, as shipped. */
	readonly channels?: AlertChannels;
	/** How long *Corruption Watch* waits before it asks again; left out: an hour, as shipped. */
	readonly watchSeconds?: number;
	/** What a test needs besides; imported with the rest, because each import by n8n's command line takes seconds. */
	readonly besides?: { readonly credentials?: readonly N8nCredential[]; readonly workflows?: readonly object[] };
	/** Left out: no schedule ever comes, since a run by the clock in the middle of a test would be taken for one of the test's own. */
	readonly withSchedules?: boolean;
}

export interface AlertChannels {
	readonly slackUrl: string;
	readonly slackToken: string;
	readonly smtpPort: number;
	readonly pingUrl: string;
}

const SMTP = { id: 'brTestSmtp000001', name: 'Mail' };
const SLACK = { id: 'brTestSlack00001', name: 'Slack' };

/** For a whole stack, or only its database server where nothing else matters. */
export async function installShippedWorkflows(n8n: N8nServer, stack: CrmStack | PostgresServer, { workflows, recoveryFolder, settings, channels, besides, watchSeconds, withSchedules, ...sources }: Partial<CredentialSources> & SettingsToEdit = {}): Promise<InstalledWorkflows> {
	const webhookKey = randomBytes(24).toString('hex');
	const whole = 'server' in stack ? stack : undefined;
	const folders = [n8n.storeFolder, whole?.places.second ?? n8n.storeFolder, whole?.places.third ?? n8n.storeFolder] as const;
	const places = folders.map(folderPlace) as unknown as CredentialSources['places'];
	const credentials = await backupCredentials({ server: whole?.server ?? (stack as PostgresServer), redis: whole?.redis, places, webhookKey, ...sources });
	await n8n.importCredentials([...credentials, ...(channels ? channelCredentials(channels) : []), ...(besides?.credentials ?? [])]);
	await importEdited(n8n, whole, { workflows, recoveryFolder, settings: { ...settings, ...(channels && channelSettings(channels)) }, channels, besides, watchSeconds, withSchedules });
	// Continuous archiving begins when it is published: whoever wants it does that.
	await n8n.publish(...Object.values(SHIPPED).filter((id) => id !== SHIPPED.continuous));
	const recover = async (body: object, path = 'recovery-database') => await n8n.webhook(path, body, { [KEY_HEADER]: webhookKey });
	const recoverAsPlanned = async (body: object = {}) => {
		const plan = await recover({ dryRun: true }, 'recovery-full');
		if (plan.status !== 200) return plan;
		return await recover({ ...(JSON.parse(plan.body) as { toDoIt: object }).toDoIt, ...body }, 'recovery-full');
	};
	return { recover, recoverAsPlanned };
}

/** As shipped, but for what *Backup: Settings* and the notes of the workflows tell people to set first. */
async function importEdited(n8n: N8nServer, stack: CrmStack | undefined, toEdit: SettingsToEdit): Promise<void> {
	const edited = await mkdtemp(join(tmpdir(), 'backup-recovery-workflows-'));
	const folder = toEdit.workflows ?? FOLDER;
	try {
		for (const name of (await readdir(folder)).filter((each) => each.endsWith('.json'))) {
			const text = await readFile(join(folder, name), 'utf8');
			const unscheduled = toEdit.withSchedules ? text : withoutSchedules(text);
			const withTables = n8n.environment.DB_TYPE === 'postgresdb' ? withTablesOnPostgres(unscheduled) : unscheduled;
			await writeFile(join(edited, name), name === 'backup-settings.json' ? withSettings(text, stack, toEdit) : ['notify.json', 'monthly-report.json'].includes(name) && toEdit.channels ? withChannelsOn(unscheduled) : withQuickWatch(withQuickPieces(withTables), toEdit.watchSeconds));
		}
		for (const [index, workflow] of (toEdit.besides?.workflows ?? []).entries()) await writeFile(join(edited, `besides-${index}.json`), JSON.stringify(workflow));
		await n8n.importWorkflows(edited);
	} finally {
		await rm(edited, { recursive: true });
	}
}

/** With schedules that come on the 29th of February only. */
function withoutSchedules(text: string): string {
	const workflow = JSON.parse(text) as { nodes: Array<{ type: string; parameters: { rule?: object } }> };
	for (const { type, parameters } of workflow.nodes) if (type === 'n8n-nodes-base.scheduleTrigger') parameters.rule = { interval: [{ field: 'cronExpression', expression: '0 0 0 29 2 *' }] };
	return JSON.stringify(workflow);
}

/** *Backup: WAL Continuous* with an open segment archived more often, for the sake of whoever waits. */
function withQuickPieces(text: string): string {
	return text.replace('"pieceSeconds": 10', '"pieceSeconds": 1').replace('"pieceSeconds":10', '"pieceSeconds":1');
}

function withQuickWatch(text: string, seconds: number | undefined): string {
	return seconds === undefined ? text : text.replace(/"amount":\s*1,\s*"unit":\s*"hours"/, `"amount": ${seconds}, "unit": "seconds"`);
}

/** *Prove n8n* as it must be where n8n keeps its tables in PostgreSQL. */
function withTablesOnPostgres(text: string): string {
	const workflow = JSON.parse(text) as { nodes: Array<{ parameters: { n8nDatabase?: string }; credentials?: Record<string, object> }> };
	for (const { parameters, credentials } of workflow.nodes) {
		if (parameters.n8nDatabase === undefined) continue;
		parameters.n8nDatabase = 'postgres';
		Object.assign(credentials ?? {}, { backupPostgresApi: { id: 'brPostgresCred01', name: 'Backup Postgres' } });
	}
	return JSON.stringify(workflow);
}

function withSettings(text: string, stack: CrmStack | undefined, { recoveryFolder, settings = {} }: SettingsToEdit): string {
	const named = withNamed(text, settings);
	const withFolder = recoveryFolder === undefined ? named : withValues(named, new Map([['/recovery', recoveryFolder]]));
	return stack === undefined ? withFolder : withPlaces(withFolder, stack);
}

/** Fields of *Backup: Settings* by their names; the last node gets those that it does not have. */
function withNamed(text: string, settings: Readonly<Record<string, string | boolean>>): string {
	const workflow = JSON.parse(text) as { nodes: Array<{ parameters: { assignments?: { assignments: Array<{ id: string; name: string; value: unknown; type: string }> } } }> };
	const lists = workflow.nodes.flatMap(({ parameters }) => (parameters.assignments ? [parameters.assignments.assignments] : []));
	for (const [name, value] of Object.entries(settings)) {
		const found = lists.flat().find((field) => field.name === name);
		if (found) found.value = value;
		else lists.at(-1)?.push({ id: name, name, value, type: typeof value });
	}
	return JSON.stringify(workflow);
}

function withPlaces(text: string, { folders, redis }: CrmStack): string {
	const named = JSON.parse(text) as { nodes: Array<{ parameters: { assignments?: { assignments: Array<{ name: string; value: unknown }> } } }> };
	const query = named.nodes.flatMap(({ parameters }) => parameters.assignments?.assignments ?? []).find(({ name }) => name === 'crossCheck.sql');
	if (query === undefined) throw new Error('Backup: Settings has no crossCheck.sql.');
	query.value = CRM_UPLOADS_SQL;
	const values = new Map([
		['/app/uploads', folders.uploads],
		['/app/config', folders.config],
		['/app/logs', folders.logs],
		['redis:6379', `${redis.host}:${redis.port}`],
	]);
	return withValues(JSON.stringify(named), values);
}

function withValues(text: string, values: ReadonlyMap<string, string>): string {
	return [...values].reduce((all, [shipped, ours]) => {
		if (!all.includes(JSON.stringify(shipped))) throw new Error(`Backup: Settings does not hold ${shipped}.`);
		return all.replaceAll(JSON.stringify(shipped), JSON.stringify(ours));
	}, text);
}

function channelCredentials({ smtpPort, slackToken }: AlertChannels): N8nCredential[] {
	return [
		{ ...SMTP, type: 'smtp', data: { user: '', password: '', host: '127.0.0.1', port: smtpPort, secure: false, disableStartTls: true } },
		{ ...SLACK, type: 'httpHeaderAuth', data: { name: 'Authorization', value: `Bearer ${slackToken}` } },
	];
}

function channelSettings({ slackUrl, pingUrl }: AlertChannels): Record<string, string | boolean> {
	return { 'channels.slack.enabled': true, 'channels.slack.url': slackUrl, 'channels.email.enabled': true, 'alerts.pingUrl': pingUrl };
}

/** A workflow that sends with its nodes switched on, as its notes tell. */
function withChannelsOn(text: string): string {
	const workflow = JSON.parse(text) as { nodes: Array<{ name: string; disabled?: boolean; credentials?: object }> };
	for (const node of workflow.nodes) {
		if (node.name === 'Send Email' || node.name === 'Send Report') Object.assign(node, { disabled: false, credentials: { smtp: SMTP } });
		if (node.name === 'Send to Slack') Object.assign(node, { disabled: false, credentials: { httpHeaderAuth: SLACK } });
	}
	return JSON.stringify(workflow);
}
