import type { z } from 'zod';
import { BackupError } from '../core/errors';
import { type Job, jobSchema } from './schema/job';

/**
 * Checks a job and fills in defaults, before anything is touched.
 * @throws BackupError `INVALID_INPUT` naming each wrong field; the values themselves are not repeated, they may be secret
 */
export function checkJob(input: unknown): Job {
	const parsed = jobSchema.safeParse(input);
	if (parsed.success) return parsed.data;
	const kind = typeof input === 'object' && input !== null && 'kind' in input ? String(input.kind) : 'without a kind';
	throw new BackupError(
		'INVALID_INPUT',
		`The job "${kind}" is not valid: ${parsed.error.issues.map(describeIssue).join('; ')}.`,
		'Correct the named fields and run it again. Nothing was touched.',
	);
}

function describeIssue(issue: z.core.$ZodIssue): string {
	const path = issue.path.map(String).join('.');
	return path === '' ? issue.message : `${path}: ${issue.message}`;
}
