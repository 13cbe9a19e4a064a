import { z } from 'zod';
import { microseconds } from '../wal/server-time';

/** Where a recovery stops. A time has an offset, always: without one PostgreSQL would read it in the server's own zone. */
export const recoveryTargetSchema = z.discriminatedUnion('by', [
	z.strictObject({ by: z.literal('latest') }),
	z.strictObject({ by: z.literal('time'), time: z.iso.datetime({ offset: true, precision: undefined }) }),
	z.strictObject({ by: z.literal('lsn'), lsn: z.string().regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/) }),
	/** A point made by pg_create_restore_point(). */
	z.strictObject({ by: z.literal('name'), name: z.string().min(1).max(63) }),
	z.strictObject({ by: z.literal('xid'), xid: z.string().regex(/^\d{1,20}$/) }),
]);

export type RecoveryTarget = z.infer<typeof recoveryTargetSchema>;

/** For people: "2026-11-22 14:30:00.000000+00". */
export function describeTarget(target: RecoveryTarget): string {
	switch (target.by) {
		case 'latest':
			return 'the newest archived state';
		case 'time':
			return serverTime(target.time);
		case 'lsn':
			return `the LSN ${target.lsn}`;
		case 'name':
			return `the restore point ${JSON.stringify(target.name)}`;
		case 'xid':
			return `the transaction ${target.xid}`;
	}
}

/** A time as it is written into the server's configuration: in UTC, with its offset. */
export function serverTime(time: string): string {
	const at = microseconds(time);
	const text = new Date(Number(at / 1000n)).toISOString();
	return `${text.slice(0, 10)} ${text.slice(11, 19)}.${String(at % 1_000_000n).padStart(6, '0')}+00`;
}
