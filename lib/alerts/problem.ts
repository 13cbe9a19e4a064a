import { z } from 'zod';

export const SEVERITIES = ['warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** How much of each text is told and remembered, in characters. */
export const LONGEST = { title: 500, what: 8000, advice: 2000 } as const;

const moment = z.iso.datetime({ offset: true });

/** Something that is wrong, and that a person should do something about. The same trouble has the same key for as long as it lasts. */
export const problemSchema = z.object({
	key: z.string().min(1).max(300),
	severity: z.enum(SEVERITIES),
	/** One line. */
	title: z.string().max(LONGEST.title),
	/** What is wrong. */
	what: z.string().max(LONGEST.what),
	/** What to do about it. */
	advice: z.string().max(LONGEST.advice).default(''),
	/** The page of the documentation about it, with the heading; empty: none. */
	runbook: z.string().max(200).default(''),
	/** Address of the execution that failed; empty: none. */
	link: z.string().max(2000).default(''),
	/** What tells one cause from another under the same key, such as the words of an error without its numbers. */
	cause: z.string().max(500).default(''),
	/** Since when it is so, where the facts tell. */
	began: moment.optional(),
});

export type Problem = z.input<typeof problemSchema> & {
	/** When all was well for the last time: what was told before that was another trouble under the same key, and is over. */
	readonly wellAt?: string;
};

/** Trouble of a workflow, told by its error; it is over when that workflow has succeeded. */
export const WORKFLOW_PREFIX = 'workflow/';

/** Trouble of a schedule: its success did not come. */
export const SCHEDULE_PREFIX = 'schedule/';

/** An error's words without what differs each time: numbers, times, ids and names that hold digits. */
export function causeOf(text: string): string {
	return text.replace(/\S*\d\S*/g, '#').replace(/\s+/g, ' ').trim().slice(0, 500);
}
