import { type INode, type INodeParameters, type INodeProperties, type INodeTypeDescription, NodeHelpers, safeParseWorkflowStructure } from 'n8n-workflow';
import { ArchiveFiles } from '../../../nodes/ArchiveFiles/ArchiveFiles.node';
import { BackupCatalog } from '../../../nodes/BackupCatalog/BackupCatalog.node';
import { N8nSnapshot } from '../../../nodes/N8nSnapshot/N8nSnapshot.node';
import { PostgresBasebackup } from '../../../nodes/PostgresBasebackup/PostgresBasebackup.node';
import { PostgresWalTrigger } from '../../../nodes/PostgresWalTrigger/PostgresWalTrigger.node';
import { PostgresDump } from '../../../nodes/PostgresDump/PostgresDump.node';
import { RedisSnapshot } from '../../../nodes/RedisSnapshot/RedisSnapshot.node';
import { RestoreBackup } from '../../../nodes/RestoreBackup/RestoreBackup.node';
import { VerifyBackup } from '../../../nodes/VerifyBackup/VerifyBackup.node';
import { neededHeight } from '../../../scripts/translation/note-size';
import { portugueseFiles, rectangle, STICKY_NOTE, workflowFiles } from './workflow-files';

const PREFIX = 'n8n-nodes-backup-recovery.';
const descriptions = new Map<string, INodeTypeDescription>(
	[new ArchiveFiles(), new BackupCatalog(), new N8nSnapshot(), new PostgresBasebackup(), new PostgresWalTrigger(), new PostgresDump(), new RedisSnapshot(), new RestoreBackup(), new VerifyBackup()].map(({ description }) => [PREFIX + description.name, description]),
);

/** Every credential that a shipped workflow may name: the documentation and the demo create exactly these. */
const credentials: Record<string, ReadonlyArray<{ id: string; name: string }>> = {
	backupPostgresApi: [{ id: 'brPostgresCred01', name: 'Backup Postgres' }],
	backupRedisApi: [{ id: 'brRedisCred00001', name: 'Backup Redis' }],
	backupStoreApi: [
		{ id: 'brStoreCred00001', name: 'Backup Store' },
		{ id: 'brStoreCred00002', name: 'Backup Store: Second Place' },
		{ id: 'brStoreCred00003', name: 'Backup Store: Third Place' },
	],
	backupTargetStoreApi: [
		{ id: 'brTargetStore002', name: 'Backup Store: Second Place' },
		{ id: 'brTargetStore003', name: 'Backup Store: Third Place' },
	],
	backupEncryptionApi: [{ id: 'brEncryptCred001', name: 'Backup Encryption' }],
	httpBasicAuth: [{ id: 'brFormLogin00001', name: 'Recovery Form Login' }],
	httpHeaderAuth: [{ id: 'brWebhookAuth001', name: 'Recovery Webhook Key' }],
};

/** Settings, Notify, Run Succeeded, Drill Assertions. */
const CALLED_ONLY = ['brSettings000001', 'brNotify00000001', 'brRunSucceeded01', 'brDrillAsserts01'];

const ids = new Set(workflowFiles.map(({ workflow }) => workflow.id));

function ownNodes(nodes: INode[]): Array<{ node: INode; description: INodeTypeDescription }> {
	return nodes
		.filter((node) => node.type.startsWith(PREFIX))
		.map((node) => {
			const description = descriptions.get(node.type);
			if (description === undefined) throw new Error(`no such node: ${node.type}`);
			return { node, description };
		});
}

function isExpression(value: unknown): boolean {
	return typeof value === 'string' && value.startsWith('=');
}

/** Parameters that the panel would not show or does not know, and values that a drop-down does not have. */
function strangeParameters(properties: INodeProperties[], values: INodeParameters, node: INode, description: INodeTypeDescription): string[] {
	const shown = properties.filter((property) => NodeHelpers.displayParameter(node.parameters, property, node, description));
	return Object.entries(values).flatMap(([name, value]) => {
		const property = shown.find((candidate) => candidate.name === name);
		if (property === undefined) return [`${node.name}: unknown or hidden parameter "${name}"`];
		if (property.type === 'collection') {
			const fields = (property.options ?? []) as INodeProperties[];
			return Object.entries(value as INodeParameters).flatMap(([key, inner]) => {
				const field = fields.find((candidate) => candidate.name === key);
				return field === undefined ? [`${node.name}: unknown option "${key}"`] : strangeValue(field, inner, node);
			});
		}
		return strangeValue(property, value, node);
	});
}

function strangeValue(property: INodeProperties, value: unknown, node: INode): string[] {
	if (isExpression(value)) return [];
	if (property.type === 'options') {
		const allowed = (property.options ?? []).map((option) => ('value' in option ? option.value : undefined));
		return allowed.includes(value as string) ? [] : [`${node.name}: "${property.name}" has no choice ${JSON.stringify(value)}`];
	}
	if (property.type === 'resourceLocator') {
		const { mode } = value as { mode: string };
		return property.modes?.some((known) => known.name === mode) === true ? [] : [`${node.name}: "${property.name}" has no mode "${mode}"`];
	}
	return [];
}

test('all workflows are there, with ids and names of their own', () => {
	expect(workflowFiles.map(({ file, workflow }) => [file, workflow.name]).sort()).toEqual([
		['backup-config-weekly.json', 'Backup: Configuration'],
		['backup-daily.json', 'Backup: Daily'],
		['backup-full.json', 'Backup: Full'],
		['backup-incremental.json', 'Backup: Incremental'],
		['backup-settings.json', 'Backup: Settings'],
		['break-glass-kit.json', 'Backup: Break-Glass Kit'],
		['monthly-report.json', 'Backup: Monthly Report'],
		['weekly-checklist.json', 'Backup: Weekly Checklist'],
		['drill-assertions.json', 'Recovery: Drill Assertions'],
		['check-backups.json', 'Backup: Check'],
		['dashboard.json', 'Backup: Dashboard'],
		['error-alert.json', 'Backup: Error Alert'],
		['notify.json', 'Backup: Notify'],
		['recovery-database.json', 'Recovery: Database'],
		['recovery-files.json', 'Recovery: Files'],
		['recovery-full.json', 'Recovery: Full'],
		['recovery-point-in-time.json', 'Recovery: Point in Time'],
		['restore-drill-monthly.json', 'Recovery: Drill'],
		['scenario-corruption-watch.json', 'Scenario: Corruption Watch'],
		['scenario-data-corruption.json', 'Scenario: Data Corruption'],
		['scenario-ransomware.json', 'Scenario: Ransomware'],
		['scenario-server-loss.json', 'Scenario: Server Loss'],
		['run-succeeded.json', 'Backup: Run Succeeded'],
		['run-started.json', 'Backup: Run Started'],
		['run-missed.json', 'Backup: Run Missed'],
		['wal-continuous.json', 'Backup: WAL Continuous'],
	].sort());
	expect(ids.size).toBe(workflowFiles.length);
	const nodeIds = workflowFiles.flatMap(({ workflow }) => workflow.nodes.map((node) => node.id));
	expect(new Set(nodeIds).size).toBe(nodeIds.length);
	for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]{16}$/);
});

/** Recoveries whose stages are numbered: who looks at one at night wants to know how long it takes. */
const STAGED = ['recovery-full.json', 'scenario-server-loss.json', 'scenario-ransomware.json', 'restore-drill-monthly.json'];
const DURATION = /\b(seconds?|minutes?|hours?|as fast as|as long as|(alguns |em )?segundos?|minutos?|horas?|tão rápido|o tempo que)\b/i;

const languages = [
	...workflowFiles.map((each) => ({ ...each, noteSays: /^## .+\n[^]+\n\n\*\*Set first:\*\* [^]+\n\n\*\*When it fails:\*\* [^]+\.$/ })),
	...portugueseFiles.map((each) => ({ ...each, file: `pt-BR/${each.file}`, noteSays: /^## .+\n[^]+\n\n\*\*Ajuste antes:\*\* [^]+\n\n\*\*Quando falhar:\*\* [^]+\.$/ })),
];

describe.each(languages)('$file', ({ file, text, workflow, noteSays }) => {
	const nodes = workflow.nodes;
	const working = nodes.filter((node) => node.type !== STICKY_NOTE);
	const notes = nodes.filter((node) => node.type === STICKY_NOTE);

	test('has the structure that n8n reads', () => {
		expect(safeParseWorkflowStructure(workflow)).toMatchObject({ success: true });
	});

	test('carries the one tag, an error workflow that exists, and the current order of execution', () => {
		expect(workflow.tags).toEqual([{ id: 'brTagBackupRecov', name: 'Backup and Recovery' }]);
		expect(workflow.settings).toMatchObject({ executionOrder: 'v1' });
		// A workflow that is only called, and waited for, fails together with whoever called it: one of its own would tell the same trouble a second time.
		if (CALLED_ONLY.includes(workflow.id)) expect(workflow.settings?.errorWorkflow).toBeUndefined();
		else expect(ids).toContain(workflow.settings?.errorWorkflow);
	});

	test('arrives switched off and holds no pinned data, no secret and nothing of a machine', () => {
		expect(JSON.parse(text)).toMatchObject({ active: false });
		expect(text).not.toMatch(/"pinData"|"staticData"|"instanceId"/);
		expect(text).not.toMatch(/xox[bp]-|hooks\.slack\.com|-----BEGIN|"password"|Bearer [A-Za-z0-9]{8}|\/root\/|\/home\/|localhost/);
	});

	test('sets only parameters and values that our nodes have', () => {
		for (const { node, description } of ownNodes(nodes)) {
			expect(strangeParameters(description.properties, node.parameters, node, description)).toEqual([]);
			expect(NodeHelpers.getNodeParametersIssues(description.properties, node, description)).toBeNull();
			expect(node.typeVersion).toBe(description.version);
		}
	});

	test('gives each of our nodes exactly the credentials that its operation needs', () => {
		for (const { node, description } of ownNodes(nodes)) {
			const needed = (description.credentials ?? [])
				.filter((credential) => NodeHelpers.displayParameter(node.parameters, credential, node, description))
				.map(({ name }) => name);
			expect(Object.keys(node.credentials ?? {}).sort()).toEqual(needed.sort());
		}
	});

	test('names only credentials that the documentation tells people to create', () => {
		for (const node of nodes) {
			for (const [type, reference] of Object.entries(node.credentials ?? {})) expect(credentials[type]).toContainEqual(reference);
		}
	});

	test('calls only workflows that are shipped too', () => {
		for (const node of nodes.filter(({ type }) => type === 'n8n-nodes-base.executeWorkflow')) {
			const { value } = node.parameters.workflowId as { value: string };
			// *Backup: Check* runs what was missed, whatever that is.
			if (!isExpression(value)) expect(ids).toContain(value);
		}
	});

	test('refers in expressions only to nodes that it has', () => {
		const names = new Set(nodes.map((node) => node.name));
		for (const [, name] of text.matchAll(/\$\('([^']+)'\)/g)) expect(names).toContain(name);
	});

	test('connects every node, from and to nodes that exist', () => {
		const names = new Set(working.map((node) => node.name));
		const reached = new Set<string>();
		for (const [from, outputs] of Object.entries(workflow.connections)) {
			expect(names).toContain(from);
			for (const target of (outputs.main ?? []).flatMap((output) => output ?? [])) {
				expect(names).toContain(target.node);
				reached.add(target.node);
			}
		}
		const starts = working.filter((node) => !reached.has(node.name));
		expect(starts.filter((node) => !/trigger$|\.webhook$/i.test(node.type))).toEqual([]);
	});

	test('has a note above every stage: what it does, what to set first, what to do when it fails', () => {
		for (const node of working) {
			const centre = node.position[0] + 48;
			const above = notes.filter((note) => rectangle(note).left <= centre && centre <= rectangle(note).right && rectangle(note).bottom <= node.position[1]);
			expect({ node: node.name, hasNote: above.length > 0 }).toEqual({ node: node.name, hasNote: true });
		}
		for (const note of notes) {
			expect(note.parameters.content).toMatch(noteSays);
		}
	});

	const staged = STAGED.some((name) => file.endsWith(name));
	(staged ? test : test.skip)('has a numbered note for each of its stages, which says how long it takes', () => {
		const numbered = notes.filter((note) => /^## \d+\. /.test(note.parameters.content as string));
		const { rules } = working.find(({ type }) => type === 'n8n-nodes-base.switch')!.parameters as unknown as { rules: { values: Array<{ conditions: { conditions: Array<{ rightValue: string }> } }> } };
		const stages = new Set(rules.values.map(({ conditions: { conditions: all } }) => all[0]!.rightValue).filter((stage) => !['finished', 'failed'].includes(stage)));
		expect(numbered).toHaveLength(stages.size);
		for (const note of numbered) expect((note.parameters.content as string).split('**')[0]).toMatch(DURATION);
	});

	test('has no two nodes or notes that overlap', () => {
		const overlaps = nodes.flatMap((one, index) =>
			nodes.slice(index + 1).flatMap((other) => {
				const a = rectangle(one);
				const b = rectangle(other);
				const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
				return apart ? [] : [`${one.name} and ${other.name}`];
			}),
		);
		expect(overlaps).toEqual([]);
	});

	test('leaves room in every note for its text', () => {
		for (const note of notes) {
			const needed = neededHeight(note.parameters.content as string, Number(note.parameters.width));
			expect({ note: note.name, fits: needed <= Number(note.parameters.height) }).toEqual({ note: note.name, fits: true });
		}
	});
});
