import { z } from 'zod';
import { BACKUP_KINDS, COMPONENTS } from '../../catalog/component';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { DEFAULT_TARGETS } from '../../report/kpis';
import { DEFAULT_VERIFIED_WITHIN_DAYS } from '../../status/thresholds';
import { storeLocationSchema } from '../../storage/location';

/** Brings `backup_log` in a database in line with a store. */
export const logJob = z.strictObject({
	kind: z.literal('catalog.log'),
	store: storeLocationSchema,
	connection: postgresConnectionSchema,
	database: z.string().min(1),
	schema: z.string().min(1).default('public'),
	/** Forget first what the log says of this store. */
	rebuild: z.boolean().default(false),
});

const hours = z.number().positive().max(100_000);

export const statusFields = {
	store: storeLocationSchema,
	/** Those to look at; empty: all. */
	components: z.array(z.enum(COMPONENTS)).default([]),
	/** Those that must be backed up; empty: those to look at, or PostgreSQL and files. Whatever else the store knows counts too. */
	requiredComponents: z.array(z.enum(COMPONENTS)).default([]),
	/** How many days the newest check of a component may be old; 0: any. */
	verifiedWithinDays: z.number().min(0).max(10_000).default(DEFAULT_VERIFIED_WITHIN_DAYS),
	/** Instead of the defaults: until when the newest backup is fine, and until when only late. */
	thresholds: z.array(z.strictObject({ component: z.enum(COMPONENTS), okHours: hours, warningHours: hours })).max(COMPONENTS.length).default([]),
	/** Put retention on hold when the newest backups look like a mass delete or encrypted files. */
	holdOnAlarm: z.boolean().default(false),
};

/** Ends the alarms of a series that will never run again. */
export const forgetSeriesJob = z.strictObject({
	kind: z.literal('catalog.forgetSeries'),
	store: storeLocationSchema,
	component: z.enum(COMPONENTS),
	/** Exactly as the backups have it. */
	source: z.string().min(1).max(1000),
	/** Only how the newest run of this kind went; null: all of the source. */
	backupKind: z.enum(BACKUP_KINDS).nullable().default(null),
});

/** Ends the alarms of a schedule that is gone for good. */
export const forgetScheduleJob = z.strictObject({ kind: z.literal('catalog.forgetSchedule'), store: storeLocationSchema, id: z.string().min(1).max(200) });

/** How everything in a store stands; only reads, unless it may put retention on hold. */
export const statusJob = z.strictObject({ kind: z.literal('catalog.status'), ...statusFields });

/** What the team wants to reach; left out: the guide's goals. */
const targetsSchema = z
	.strictObject({
		rtoSeconds: z.number().positive().default(DEFAULT_TARGETS.rtoSeconds),
		rpoSeconds: z.number().positive().default(DEFAULT_TARGETS.rpoSeconds),
		availability: z.number().gt(0).max(1).default(DEFAULT_TARGETS.availability),
		sizeBytes: z.number().positive().default(DEFAULT_TARGETS.sizeBytes),
		durationSeconds: z.number().positive().default(DEFAULT_TARGETS.durationSeconds),
	})
	.prefault({});

const timeZoneSchema = z.string().refine(isTimeZone, 'is not a time zone').default('UTC');

/** The same as a page. */
export const dashboardJob = z.strictObject({
	kind: z.literal('catalog.dashboard'),
	...statusFields,
	title: z.string().min(1).max(200).default('Backups'),
	/** IANA name. */
	timeZone: timeZoneSchema,
	refreshSeconds: z.number().int().min(0).max(86_400).default(60),
	/** What the team wants to reach. */
	targets: targetsSchema,
});

/** What happened in a month, as an email. */
export const monthlyReportJob = z.strictObject({
	kind: z.literal('catalog.monthlyReport'),
	...statusFields,
	title: z.string().min(1).max(200).default('Backups'),
	/** IANA name. */
	timeZone: timeZoneSchema,
	/** Up to now; 0: the calendar month before. */
	days: z.number().int().min(0).max(366).default(0),
	targets: targetsSchema,
});

/** Keeps anything from being pruned, lets it go on, or tells how it stands. */
export const retentionHoldJob = z.strictObject({
	kind: z.literal('catalog.retentionHold'),
	store: storeLocationSchema,
	action: z.enum(['hold', 'lift', 'show']),
	/** Why; for a hold. */
	reason: z.string().max(2000).default(''),
});

function isTimeZone(name: string): boolean {
	try {
		new Intl.DateTimeFormat('en', { timeZone: name });
		return true;
	} catch (error) {
		if (error instanceof RangeError) return false;
		throw error;
	}
}
