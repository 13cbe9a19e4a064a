import type { IDataObject } from 'n8n-workflow';
import { assigned, evaluate } from './evaluate';
import { workflowFiles } from './workflow-files';

const people = [
	{ role: 'Lead DevOps', name: 'João', phone: '+55 1', email: 'joao@example.com', slack: 'U0001', fromLevel: 0 },
	{ role: 'DBA', name: 'Maria', phone: '+55 2', email: 'maria@example.com', slack: 'not <an> id', fromLevel: 1 },
	{ role: 'CEO', name: 'Ana', phone: '', email: 'joao@example.com', slack: '', fromLevel: 3 },
];
const vendors = [{ service: 'PostgreSQL', name: '', phone: '+1 9', email: '', sla: '2 h', contract: 'No. 7' }, { service: 'Docker', name: '', phone: '', email: '', sla: '4 h', contract: '' }];
const settings = (contacts: IDataObject = { people, vendors }) => ({ Settings: [{ contacts, channels: { email: { to: 'team@example.com', enabled: true }, slack: { enabled: true, channel: '#alerts' } } }] });
const told = (field: string, alert: IDataObject, contacts?: IDataObject) => assigned('notify.json', 'Text', field, settings(contacts), { alert });

describe('who is told', () => {
	test.each([
		[0, 'team@example.com, joao@example.com', ['Call: João (Lead DevOps) +55 1 joao@example.com'], '<@U0001>'],
		[1, 'team@example.com, joao@example.com, maria@example.com', ['Call: João (Lead DevOps) +55 1 joao@example.com', 'Call: Maria (DBA) +55 2 maria@example.com', 'Vendor: PostgreSQL +1 9, answers within 2 h, contract No. 7'], '<@U0001>'],
		[3, 'team@example.com, joao@example.com, maria@example.com', ['Call: João (Lead DevOps) +55 1 joao@example.com', 'Call: Maria (DBA) +55 2 maria@example.com', 'Call: Ana (CEO) joao@example.com', 'Vendor: PostgreSQL +1 9, answers within 2 h, contract No. 7'], '<@U0001>'],
	])('at level %i', (level, to, call, mentions) => {
		const alert = { event: 'escalated', severity: 'critical', level };
		expect(told('to', alert)).toBe(to);
		expect(told('call', alert)).toEqual(call);
		expect(told('mentions', alert)).toBe(mentions);
	});

	test('progress goes to the channels alone, and missing contacts keep nothing from leaving', () => {
		expect(told('to', { event: 'progress', severity: 'critical', level: 0 })).toBe('team@example.com');
		for (const contacts of [{}, { people: [{ name: 'X' }], vendors: [{ service: 'Y' }] }]) {
			expect(told('to', { event: 'problem', severity: 'critical', level: 2 }, contacts)).toBe('team@example.com');
			expect(told('call', { event: 'problem', severity: 'critical', level: 2 }, contacts)).toEqual([]);
		}
	});
});

describe('Slack took it', () => {
	const delivery = (answer: IDataObject) => assigned('notify.json', 'Delivery', 'delivery.slack', { ...settings(), 'Send to Slack': [answer] });
	test.each([[{ ok: true, ts: '1' }], [{ data: 'ok' }], [{ data: 'ok\n' }]])('when it answers %j', (answer) => {
		expect(delivery(answer)).toBe('sent');
	});
	test.each([
		[{ ok: false, error: 'channel_not_found' }, 'failed: "channel_not_found"'],
		[{ data: 'no_service' }, 'failed: "no_service"'],
		[{ alert: {} }, 'failed: "no answer; is the node Send to Slack switched on?"'],
	])('not when it answers %j', (answer, expected) => {
		expect(delivery(answer)).toBe(expected);
	});

	test('and only mentions are markup in what it gets', () => {
		const { jsonBody } = workflowFiles.find(({ file }) => file === 'notify.json')!.workflow.nodes.find(({ name }) => name === 'Send to Slack')!.parameters as { jsonBody: string };
		const body = evaluate('notify.json', 'Send to Slack', jsonBody, { ...settings(), Message: [{ mentions: '<@U0001>', text: 'a <!channel> & b' }] });
		expect(JSON.parse(body as string)).toEqual({ channel: '#alerts', mrkdwn: false, text: '<@U0001>\na &lt;!channel&gt; &amp; b' });
	});
});

describe('the title of a failure names what failed', () => {
	const title = (execution: IDataObject) => assigned('error-alert.json', 'Alert', 'title', { 'Error Trigger': [{ workflow: { id: 'w', name: 'Backup: Daily' }, execution }] });
	test('the node', () => {
		expect(title({ lastNodeExecuted: 'Record Recovery Point', error: { message: 'The store is full.' } })).toBe('FAILED: Backup: Daily (Record Recovery Point)');
	});
	test('the parts, where the workflow gathers them', () => {
		const failures = ['Back Up Database: no', 'Back Up Redis: no', 'Back Up Database: again'];
		const { errorMessage } = workflowFiles.find(({ file }) => file === 'backup-daily.json')!.workflow.nodes.find(({ name }) => name === 'Say What Failed')!.parameters as { errorMessage: string };
		const message = evaluate('backup-daily.json', 'Say What Failed', errorMessage, {}, { failures }) as string;
		expect(message).toBe('[Back Up Database, Back Up Redis] failed. Back Up Database: no Back Up Redis: no Back Up Database: again What succeeded is kept.');
		expect(title({ lastNodeExecuted: 'Say What Failed', error: { message } })).toBe('FAILED: Backup: Daily (Back Up Database, Back Up Redis)');
	});
	test('the trigger, where nothing ran', () => {
		expect(assigned('error-alert.json', 'Alert', 'title', { 'Error Trigger': [{ workflow: { id: 'w', name: 'W' }, trigger: { error: { message: 'x' } } }] })).toBe('FAILED: W (the trigger)');
	});
});

test('the link of a failure is remembered with it, where there is something to remember', () => {
	const given = { Alert: [{ link: 'https://n8n/1' }] };
	expect(assigned('error-alert.json', 'With a Link', 'alert', given, { alert: { key: 'k', after: { key: 'k' } } })).toEqual({ key: 'k', link: 'https://n8n/1', after: { key: 'k', link: 'https://n8n/1' } });
	expect(assigned('error-alert.json', 'With a Link', 'alert', given, { alert: { key: 'k', after: null } })).toEqual({ key: 'k', link: 'https://n8n/1', after: null });
});

describe('an alert of the check', () => {
	const link = (alert: IDataObject, url: string) => (assigned('check-backups.json', 'With a Link', 'alert', { Settings: [{ n8n: { url } }] }, { alert }) as IDataObject).link;
	test('links the check, unless it has a link of its own', () => {
		expect(link({ key: 'k' }, 'https://n8n.example.com/')).toBe('https://n8n.example.com/workflow/brCheckBackups01/executions/7');
		expect(link({ key: 'k', link: 'https://other' }, 'https://n8n.example.com')).toBe('https://other');
		expect(link({ key: 'k' }, '')).toBe('');
	});

	const failed = (notified: IDataObject[]) => {
		const node = workflowFiles.find(({ file }) => file === 'check-backups.json')!.workflow.nodes.find(({ name }) => name === 'Any Channel Failed?')!;
		const { conditions } = (node.parameters as { conditions: { conditions: { leftValue: string }[] } }).conditions;
		return evaluate('check-backups.json', node.name, conditions[0]!.leftValue, { Notify: notified });
	};
	test('that reached nobody makes the check fail, as does one that Notify could not take', () => {
		expect(failed([{ delivered: true, failed: false }])).toBe(false);
		expect(failed([{ delivered: true, failed: false }, { delivered: false, failed: false }])).toBe(true);
		expect(failed([{ delivered: true, failed: true }])).toBe(true);
		expect(failed([{ delivered: true, failed: false }, { error: 'Notify failed' }])).toBe(true);
	});

	test('is looked for in what must be backed up: every hour in database and files of it', () => {
		const required = { Settings: [{ required: { components: ['postgres', 'redis', 'config'] } }] };
		const at = (trigger: string, name: string) => assigned('check-backups.json', 'What to Look At', name, { ...required, [trigger]: [{}] });
		expect([at('Every Hour', 'components'), at('Every Hour', 'required')]).toEqual([['postgres', 'files'], ['postgres']]);
		// Empty: whatever the store knows of.
		expect([at('Every Morning', 'components'), at('Every Morning', 'required')]).toEqual([[], ['postgres', 'redis', 'config']]);
	});
});

describe('the watch outside', () => {
	const { url } = workflowFiles.find(({ file }) => file === 'run-succeeded.json')!.workflow.nodes.find(({ name }) => name === 'Ping')!.parameters as { url: string };
	test('has a switch for each workflow where its address says so', () => {
		const ping = (pingUrl: string, name: string) => evaluate('run-succeeded.json', 'Ping', url, { Settings: [{ alerts: { pingUrl } }], 'When It Succeeded': [{ schedule: { name } }] });
		expect(ping('https://hc/x/{workflow}?create=1', 'Backup: Full')).toBe('https://hc/x/backup-full?create=1');
		expect(ping('https://hc/x/{workflow}', 'Backup: Diário')).toBe('https://hc/x/backup-diario');
		expect(ping('https://hc/x', 'Backup: Full')).toBe('https://hc/x');
	});
});

describe('pruning', () => {
	const pruning = workflowFiles.flatMap(({ file, workflow }) => workflow.nodes.filter(({ parameters }) => ['prune', 'pruneWal'].includes(parameters.operation as string) && parameters.mode !== 'plan').map((node) => ({ file, node: node.name, mode: node.parameters.mode as string })));
	test.each(pruning)('$file: $node deletes only where Judge found no reason for a hold', ({ file, node, mode }) => {
		expect(evaluate(file, node, mode, { Judge: [{ retentionHold: null }] })).toBe('apply');
		expect(evaluate(file, node, mode, { Judge: [{ retentionHold: { reason: 'encrypted' } }] })).toBe('plan');
		expect(evaluate(file, node, mode, { Judge: [{ error: 'The store cannot be read.' }] })).toBe('plan');
	});
	test('happens in five workflows', () => {
		expect([...new Set(pruning.map(({ file }) => file))].sort()).toEqual(['backup-config-weekly.json', 'backup-daily.json', 'backup-full.json', 'backup-incremental.json', 'wal-continuous.json']);
	});
});

test('every schedule that is watched hands on its own rules', () => {
	const handed = workflowFiles.flatMap(({ file, workflow }) => (workflow.nodes.some(({ name }) => name === 'Next Expected') ? [[file, (assigned(file, 'Next Expected', 'schedule', {}) as { rule?: { interval: unknown[] } }).rule?.interval.length ?? 0] as const] : []));
	expect(Object.fromEntries(handed)).toEqual({
		'backup-config-weekly.json': 1, 'backup-daily.json': 1, 'backup-full.json': 1, 'backup-incremental.json': 1, 'wal-continuous.json': 1, 'weekly-checklist.json': 1,
		'monthly-report.json': 1, 'break-glass-kit.json': 1, 'restore-drill-monthly.json': 1,
		// It looks for missed runs itself, and comes every hour.
		'check-backups.json': 0,
	});
	for (const { file, workflow } of workflowFiles.filter(({ file: name }) => handed.some(([one]) => one === name) && name !== 'check-backups.json')) {
		expect({ file, missed: workflow.connections['Run Missed']?.main?.[0]?.[0]?.node }).toEqual({ file, missed: 'Report Start' });
	}
});
