import { z } from 'zod';

export const SEVERITIES = ['warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Something that is wrong, and that a person should do something about. The same trouble has the same key for as long as it lasts. */
export const problemSchema = z.object({
	key: z.string().min(1).max(300),
	severity: z.enum(SEVERITIES),
	/** One line. */
	title: z.string().max(500),
	/** What is wrong. */
	what: z.string().max(8000),
	/** What to do about it. */
	advice: z.string().max(2000).default(''),
});
export type Problem = z.infer<typeof problemSchema>;

/** Trouble of a workflow, told by its error; it is over when that workflow has succeeded. */
export const WORKFLOW_PREFIX = 'workflow/';
