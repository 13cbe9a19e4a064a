import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ICredentialType, INodeProperties, INodeType } from 'n8n-workflow';

const root = join(__dirname, '..', '..');
const { n8n } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { n8n: { nodes: string[]; credentials: string[] } };
const source = (built: string) => join(root, built.replace(/^dist\//, '').replace(/\.js$/, ''));

/** Loads a class as n8n does: by the name of its file. */
function load<T>(built: string): { folder: string; name: string; instance: T } {
	const path = source(built);
	const name = path.split('/').at(-1)?.split('.')[0] ?? '';
	// eslint-disable-next-line @typescript-eslint/no-require-imports -- the paths come from package.json
	const Class = (require(path) as Record<string, new () => T>)[name];
	if (Class === undefined) throw new Error(`${path} exports no ${name}`);
	return { folder: join(path, '..'), name, instance: new Class() };
}

const nodes = n8n.nodes.map((built) => load<INodeType>(built));
const credentials = n8n.credentials.map((built) => load<ICredentialType>(built));
const icons = (folder: string, icon: unknown) => Object.values(icon as Record<string, string>).map((file) => join(folder, file.replace('file:', '')));

test('package.json names all nodes of the package', () => {
	expect(nodes.map(({ instance }) => instance.description.name)).toEqual(['postgresDump', 'postgresBasebackup', 'postgresWalTrigger', 'archiveFiles', 'n8nSnapshot', 'redisSnapshot', 'restoreBackup', 'verifyBackup', 'backupCatalog']);
});

describe.each(nodes)('$name', ({ folder, name, instance }) => {
	const { description } = instance;

	test('has a light and a dark icon, and a codex file that names it', () => {
		for (const file of icons(folder, description.icon)) expect(existsSync(file)).toBe(true);
		expect(icons(folder, description.icon)).toHaveLength(2);
		const codex = JSON.parse(readFileSync(join(folder, `${name}.node.json`), 'utf8')) as { node: string };
		expect(codex.node).toBe(`n8n-nodes-backup-recovery.${description.name}`);
	});

	test('names only credentials of this package, each with a test that exists', () => {
		for (const credential of description.credentials ?? []) {
			expect(credentials.map((known) => known.instance.name)).toContain(credential.name);
			expect(instance.methods?.credentialTest).toHaveProperty(credential.testedBy as string);
		}
	});

	test('names only lists that exist', () => {
		for (const property of allProperties(description.properties)) {
			const listed = property.typeOptions?.loadOptionsMethod;
			if (listed !== undefined) expect(instance.methods?.loadOptions).toHaveProperty(listed);
			for (const mode of property.modes ?? []) {
				const searched = mode.typeOptions?.searchListMethod;
				if (searched !== undefined) expect(instance.methods?.listSearch).toHaveProperty(searched);
			}
		}
	});

	test('has no setting that no operation shows', () => {
		const operations = description.properties.find((property) => property.name === 'operation')?.options?.map((option) => 'value' in option && option.value);
		for (const property of description.properties) {
			for (const shown of property.displayOptions?.show?.operation ?? []) expect(operations).toContain(shown);
		}
	});
});

test.each(credentials)('$name hides its secrets and has both icons', ({ folder, instance }) => {
	for (const file of icons(folder, instance.icon)) expect(existsSync(file)).toBe(true);
	for (const property of instance.properties) {
		expect(property.typeOptions?.password ?? false).toBe(['password', 'passphrase', 'secretKeys', 'sentinelPassword', 'clientPrivateKey', 'secretAccessKey', 'sessionToken'].includes(property.name));
	}
});

function allProperties(properties: INodeProperties[]): INodeProperties[] {
	return properties.flatMap((property) => [property, ...(property.type === 'collection' ? allProperties((property.options ?? []) as INodeProperties[]) : [])]);
}
