import { BackupError } from '../core/errors';

/** zstd came to Node's zlib in 22.15; 22.16 is the first release line that n8n 2 runs on with it. */
const MINIMUM = { major: 22, minor: 16 };

/** @throws BackupError `RUNTIME_TOO_OLD` when this Node cannot run a job */
export function requireSupportedNode(version: string): void {
	const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
	if (major > MINIMUM.major || (major === MINIMUM.major && minor >= MINIMUM.minor)) return;
	throw new BackupError(
		'RUNTIME_TOO_OLD',
		`Node ${version} cannot run backup jobs: its zlib has no zstd.`,
		`Run n8n (or the command line) on Node ${MINIMUM.major}.${MINIMUM.minor} or newer; n8n 2.x images already do.`,
	);
}
