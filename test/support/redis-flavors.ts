import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisProgram } from './redis-server';

export interface RedisFlavor {
	readonly name: string;
	readonly program: RedisProgram;
}

const FLAVORS = [
	{ name: 'Redis 6', suite: 'BULLSEYE', file: 'redis-server', major: 6 },
	{ name: 'Redis 8', suite: 'TRIXIE', file: 'redis-server', major: 8 },
	{ name: 'Valkey 8', suite: 'TRIXIE', file: 'valkey-server', major: 8 },
] as const;

/** Servers besides the system's that `scripts/setup/redis-flavors.mjs` unpacked; each runs by the loader that came with it. Where there are none, the tests are shown as skipped. */
export function describeWithFlavors(body: (flavor: RedisFlavor) => void): void {
	for (const { name, suite, file, major } of FLAVORS) {
		const folder = process.env[`BACKUP_RECOVERY_TEST_REDIS_${suite}`] ?? '';
		const where = folder === '' ? describe.skip : describe;
		where(name, () => body({ name, program: { argv: folder === '' ? [] : loaded(join(folder, 'root', 'usr'), file), major } }));
	}
}

function loaded(usr: string, file: string): string[] {
	const machine = readdirSync(join(usr, 'lib')).find((name) => name.endsWith('-linux-gnu'));
	const libraries = join(usr, 'lib', machine ?? '');
	const loader = readdirSync(libraries).find((name) => /^ld-(linux-.*\.so\.\d|\d.*\.so)$/.test(name));
	if (loader === undefined) throw new Error(`${libraries} holds no loader`);
	return [join(libraries, loader), '--library-path', libraries, join(usr, 'bin', file)];
}
