import { cached } from './cache.mjs';
import { unpackDebian, whyNoDebianRoot } from './debian-root.mjs';

/** The daemons of Ceph: object gateway (the S3 server), monitor and object storage. */
const PACKAGES = ['radosgw', 'ceph-mon', 'ceph-osd'];
/** Where they come from, best first: Ceph 18 of trixie does not check streamed checksums, but Debian's unstable suite may break any day. */
const SUITES = ['sid', 'trixie'];
/** Raise it when the way it is made changes. */
const RECIPE = 1;

/**
 * A real S3 server (Ceph's) in the cache folder, named in `BACKUP_RECOVERY_TEST_S3`. On a system that is not Debian the variable stays
 * empty, and `BACKUP_RECOVERY_TEST_S3_MISSING` says why, which the skipped tests repeat.
 */
export async function s3Server() {
	const missing = await whyNoDebianRoot();
	if (missing !== undefined) {
		console.log(`No S3 server for the tests: ${missing}.`);
		process.env.BACKUP_RECOVERY_TEST_S3_MISSING = missing;
		return;
	}
	process.env.BACKUP_RECOVERY_TEST_S3 = await cached(`s3-server-${RECIPE}`, async (folder) => {
		await unpackDebian(folder, { suites: SUITES, packages: PACKAGES, what: 'A real S3 server for the tests (Ceph, 155 MB, once)' });
	});
}
