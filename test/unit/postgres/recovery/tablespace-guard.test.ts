import { formatLsn } from '../../../../lib/postgres/replication/lsn';
import { TablespaceGuard } from '../../../../lib/postgres/recovery/tablespace-guard';
import { baseDetailsOf, mb } from '../../../support/wal-fixtures';

const guard = (target: ConstructorParameters<typeof TablespaceGuard>[2]) => new TablespaceGuard(baseDetailsOf(2, 3), 1, target);
const garbage = Buffer.alloc(100, 7);

test('log that cannot be followed is refused, because nobody knows what it would do', () => {
	for (const target of [{ by: 'latest' }, { by: 'xid', xid: '742' }, { by: 'name', name: 'x' }, { by: 'time', time: '2026-11-22T00:10:00Z' }, { by: 'lsn', lsn: formatLsn(mb(4)) }] as const) {
		expect(() => guard(target).push(garbage)).toThrow(expect.objectContaining({ code: 'WAL_DAMAGED', message: expect.stringContaining(formatLsn(mb(2))) }));
	}
});

test('behind the target it does not matter', () => {
	const passed = guard({ by: 'lsn', lsn: formatLsn(mb(2)) });
	passed.push(garbage);
	expect(() => passed.push(garbage)).not.toThrow();
});
