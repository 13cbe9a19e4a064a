import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobContext } from '../../lib/core/context';

/** A job's world for tests: the real clock and randomness, a work folder of its own, no progress, never cancelled. */
export function testContext(overrides: Partial<JobContext> = {}): JobContext {
	return {
		now: () => new Date(),
		randomBytes,
		signal: new AbortController().signal,
		progress: () => undefined,
		workFolder: overrides.workFolder ?? mkdtempSync(join(tmpdir(), 'backup-recovery-test-')),
		...overrides,
	};
}
