import { cached } from './cache.mjs';
import { unpackDebian, whyNoDebianRoot } from './debian-root.mjs';

/** Debian's suites with other versions than the system's: Redis 6.0; Redis 8 and Valkey 8. */
const SUITES = { bullseye: ['redis-server'], trixie: ['redis-server', 'valkey-server'] };
/** Raise it when the way these are made changes. */
const RECIPE = 1;

/** Redis of other versions, and Valkey, for the tests: unpacked into folders that `BACKUP_RECOVERY_TEST_REDIS_<SUITE>` names; empty on a system that is not Debian. */
export async function redisFlavors() {
	const missing = await whyNoDebianRoot();
	if (missing !== undefined) {
		console.log(`No other versions of Redis for the tests: ${missing}.`);
		return;
	}
	for (const [suite, packages] of Object.entries(SUITES)) {
		process.env[`BACKUP_RECOVERY_TEST_REDIS_${suite.toUpperCase()}`] = await cached(`redis-${suite}-${RECIPE}`, async (folder) => {
			await unpackDebian(folder, { suites: [suite], packages, what: `${packages.join(' and ')} of Debian ${suite} for the tests (once)` });
		});
	}
}
