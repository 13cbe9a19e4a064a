import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { kitSteps, type KitFacts, stepsText } from '../../../lib/break-glass/steps';
import { stepsPage } from '../../../lib/break-glass/steps-page';
import { shellQuoted, storeArguments, storeNetwork, storeVariables } from '../../../lib/break-glass/store-arguments';
import { storeLocationSchema } from '../../../lib/storage/location';

const bucket = storeLocationSchema.parse({
	type: 's3',
	bucket: 'crm-backups',
	prefix: 'crm',
	endpoint: 'https://s3.example.com',
	forcePathStyle: true,
	ca: 'PEM',
	credentials: { from: 'keys', accessKeyId: 'KEY', secretAccessKey: "ses'ame" },
});
const facts = (changes: Partial<KitFacts> = {}): KitFacts => ({
	title: 'CRM',
	madeAt: '2026-11-23T05:00:00.000Z',
	version: '0.1.0',
	store: 'bucket',
	storeArguments: storeArguments(bucket),
	hasStoreKeys: false,
	bucket: true,
	recoveryPoint: { id: '20261122T020000Z-set-a1b2c3', state: 'Complete.' },
	backupRecipients: ['age1abc'],
	passphraseNeeded: false,
	notes: '',
	...changes,
});

test('a store is named without its secrets, which are variables', () => {
	expect(storeArguments(bucket).join(' ')).toBe('--store s3://crm-backups/crm --endpoint https://s3.example.com --region us-east-1 --path-style --store-ca-file store-ca.pem');
	expect(storeVariables(bucket)).toEqual({ AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: "ses'ame" });
	expect(storeArguments({ type: 'folder', path: '/backups', prefix: 'crm' })).toEqual(['--store', '/backups/crm']);
	expect(stepsText(facts())).not.toContain("ses'ame");
});

test('what must be reached is the store and nothing else', () => {
	expect(storeNetwork(bucket)).toBe('s3.example.com:443');
	expect(storeNetwork(storeLocationSchema.parse({ ...bucket, endpoint: 'http://10.0.0.5:7480' }))).toBe('10.0.0.5:7480');
	expect(storeNetwork(storeLocationSchema.parse({ ...bucket, endpoint: '' }))).toBe('amazonaws.com:443');
	expect(storeNetwork({ type: 'folder', path: '/backups', prefix: '' })).toBe('none');
});

test('a shell reads every command of the steps back as it was meant', () => {
	fc.assert(
		fc.property(fc.array(fc.string({ minLength: 1 }).filter((text) => !text.includes('\0') && !text.includes('\n')), { minLength: 1, maxLength: 5 }), (words) => {
			const printed = execFileSync('sh', ['-c', `printf '%s\\n' ${words.map(shellQuoted).join(' ')}`], { encoding: 'utf8' });
			expect(printed).toBe(`${words.join('\n')}\n`);
		}),
		{ numRuns: 40 },
	);
});

test('commands fit on a page, and no option is torn from its value', () => {
	const commands = kitSteps(facts({ storeArguments: storeArguments(storeLocationSchema.parse({ ...bucket, prefix: 'a/rather/long/folder/inside/of/the/bucket' })) })).flatMap((step) => step.commands);
	for (const line of commands.flatMap((command) => command.split('\n'))) {
		expect(line.length).toBeLessThanOrEqual(80);
		expect(line).not.toMatch(/--(store|endpoint|region|targets|confirm|identity-file|store-ca-file) \\$/);
	}
});

test('says whether the keys of the store are inside, and how the backups are opened', () => {
	expect(stepsText(facts())).toContain('The keys of the store are not in this kit');
	expect(stepsText(facts({ hasStoreKeys: true }))).toContain('. ./store-keys.env');
	expect(stepsText(facts())).toContain('age1abc');
	expect(stepsText(facts({ passphraseNeeded: true }))).toContain('--passphrase-file passphrase.txt');
	expect(stepsText(facts({ recoveryPoint: null }))).toContain('There was no recovery point');
});

test('after an attack the newest point is the wrong one: the steps say how another is chosen, and hold no ID that is a month old when they are read', () => {
	const text = stepsText(facts());
	expect(text).toMatch(/After an attack do not take the newest.*--point/);
	expect(text).toMatch(/--confirm POINT-ID$/m);
	expect(text).not.toMatch(/--confirm 2026/);
});

test('hostile names are text on the page', () => {
	const page = stepsPage(facts({ title: '<script>alert(1)</script>', notes: '"><img src=x onerror=alert(1)>', store: '<b>' }));
	expect(page).not.toMatch(/<script|<img|<b>/);
	expect(page).toContain('&lt;script&gt;');
});
