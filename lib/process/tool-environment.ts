/**
 * What a child gets of our own environment: how to find programs and libraries, and where temporary files go.
 * Everything else, n8n's secrets and stray PG* variables above all, stays here. Messages come in English (`LC_ALL=C`).
 */
export function toolEnvironment(own: NodeJS.ProcessEnv, added: Readonly<Record<string, string>>): Record<string, string> {
	const kept: Record<string, string> = {};
	for (const name of ['PATH', 'LD_LIBRARY_PATH', 'TMPDIR', 'TZ'] as const) {
		const value = own[name];
		if (value !== undefined) kept[name] = value;
	}
	return { ...kept, LC_ALL: 'C', LANG: 'C', ...added };
}
