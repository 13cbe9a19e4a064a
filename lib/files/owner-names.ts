import { readFile } from 'node:fs/promises';

/** Names of users and groups, so that owners can be found again on a machine that numbers them differently. */
export interface OwnerNames {
	user(uid: number): string | undefined;
	group(gid: number): string | undefined;
	uid(name: string): number | undefined;
	gid(name: string): number | undefined;
}

/** From the local files; users that only a directory service knows have none. */
export async function readOwnerNames(passwd = '/etc/passwd', group = '/etc/group'): Promise<OwnerNames> {
	const [users, groups] = await Promise.all([readIds(passwd), readIds(group)]);
	return {
		user: (uid) => users.names.get(uid),
		group: (gid) => groups.names.get(gid),
		uid: (name) => users.ids.get(name),
		gid: (name) => groups.ids.get(name),
	};
}

/** passwd(5) and group(5): name, password, number, separated by colons. */
async function readIds(file: string): Promise<{ names: Map<number, string>; ids: Map<string, number> }> {
	const names = new Map<number, string>();
	const ids = new Map<string, number>();
	for (const line of (await readIfThere(file)).split('\n')) {
		const [name, , id] = line.split(':');
		if (name === undefined || id === undefined || !/^\d+$/.test(id)) continue;
		if (!names.has(Number(id))) names.set(Number(id), name);
		if (!ids.has(name)) ids.set(name, Number(id));
	}
	return { names, ids };
}

async function readIfThere(file: string): Promise<string> {
	try {
		return await readFile(file, 'utf8');
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code;
		if (code === 'ENOENT' || code === 'EACCES') return '';
		throw error;
	}
}
