import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentPolicy } from '../../nodes/shared/file-policy';
import { allowedStore } from '../../nodes/shared/store-policy';

let folder: string;
const store = (path: string, prefix = '') => ({ type: 'folder', path, prefix }) as const;

beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'store-policy-'));
	await mkdir(join(folder, 'open'));
	await mkdir(join(folder, 'closed'));
});
afterEach(async () => {
	await rm(folder, { recursive: true });
});

const policy = (extra: NodeJS.ProcessEnv = {}) =>
	environmentPolicy({ N8N_RESTRICT_FILE_ACCESS_TO: `/nowhere; ${join(folder, 'open')}`, N8N_USER_FOLDER: join(folder, 'open', 'home'), ...extra });

test('a folder below an allowed one is taken, also when it does not exist yet', async () => {
	expect(await allowedStore(store(join(folder, 'open')), policy())).toEqual(store(join(folder, 'open')));
	expect(await allowedStore(store(join(folder, 'open', 'a', 'b'), 'crm'), policy())).toEqual(store(join(folder, 'open', 'a', 'b'), 'crm'));
});

test.each([
	['another folder', () => store(join(folder, 'closed'))],
	['a folder whose name only starts alike', () => store(join(folder, 'openly'))],
	['a way out by ".."', () => store(`${join(folder, 'open')}/../closed`)],
	['a way out by the prefix', () => store(join(folder, 'open'), '../closed')],
	["n8n's own folder", () => store(join(folder, 'open', 'home', '.n8n', 'backups'))],
])('%s is refused', async (_what, make) => {
	await expect(allowedStore(make(), policy())).rejects.toMatchObject({ code: 'PATH_REFUSED' });
});

test('a link is followed before it is judged, and what it leads to is used', async () => {
	await symlink(join(folder, 'closed'), join(folder, 'open', 'out'));
	await symlink(join(folder, 'open'), join(folder, 'in'));
	await expect(allowedStore(store(join(folder, 'open', 'out', 'new')), policy())).rejects.toMatchObject({ code: 'PATH_REFUSED' });
	await expect(allowedStore(store(join(folder, 'open'), 'out'), policy())).rejects.toMatchObject({ code: 'PATH_REFUSED' });
	expect(await allowedStore(store(join(folder, 'in', 'new')), policy())).toEqual(store(join(folder, 'open', 'new')));
});

test('without the variable only the folder that n8n opens by default is allowed', async () => {
	await expect(allowedStore(store(join(folder, 'open')), environmentPolicy({}))).rejects.toMatchObject({ code: 'PATH_REFUSED' });
});

test('an empty variable allows every folder but that of n8n', async () => {
	const open = policy({ N8N_RESTRICT_FILE_ACCESS_TO: '' });
	expect(await allowedStore(store(join(folder, 'closed')), open)).toEqual(store(join(folder, 'closed')));
	await expect(allowedStore(store(join(folder, 'open', 'home', '.n8n')), open)).rejects.toMatchObject({ code: 'PATH_REFUSED' });
	const all = policy({ N8N_RESTRICT_FILE_ACCESS_TO: '', N8N_BLOCK_FILE_ACCESS_TO_N8N_FILES: 'false' });
	expect(await allowedStore(store(join(folder, 'open', 'home', '.n8n')), all)).toMatchObject({ type: 'folder' });
});

test('the variable may be given by a file, as n8n allows', async () => {
	await writeFile(join(folder, 'variable'), `${join(folder, 'closed')}\n`);
	const fromFile = environmentPolicy({ N8N_RESTRICT_FILE_ACCESS_TO_FILE: join(folder, 'variable') });
	expect(await allowedStore(store(join(folder, 'closed')), fromFile)).toEqual(store(join(folder, 'closed')));
	await expect(allowedStore(store(join(folder, 'open')), fromFile)).rejects.toMatchObject({ code: 'PATH_REFUSED' });
});

test('a path that is not absolute is refused', async () => {
	await expect(allowedStore(store('backups'), policy())).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('a folder that cannot be entered says so', async () => {
	const denied = { resolvePath: () => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' })), isBlocked: () => false };
	await expect(allowedStore(store('/backups'), denied)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('EACCES') });
});
