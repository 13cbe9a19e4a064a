import fc from 'fast-check';
import { drillName, fitBytes, hasNameOf, previousName, restoreName, scratchKey } from '../../../lib/postgres/restore/database-names';
import { type DatabaseMark, markComment, readMark } from '../../../lib/postgres/restore/marker';

const at = new Date('2026-11-22T02:00:00.123Z');
const key = '0123456789abcdef';
const name = fc.string({ unit: 'grapheme', minLength: 1 });

describe('names that we give to databases', () => {
	it('fit into 63 bytes, are whole characters, and are recognised again', () => {
		fc.assert(
			fc.property(name, (database) => {
				for (const [made, role] of [
					[restoreName(database, at, key), 'restore'],
					[previousName(database, 'before', at, new Set()), 'before'],
					[previousName(database, 'undone', at, new Set()), 'undone'],
				] as const) {
					expect(Buffer.byteLength(made)).toBeLessThanOrEqual(63);
					expect(Buffer.from(made, 'utf8').toString('utf8')).toBe(made);
					expect(hasNameOf(role, made)).toBe(true);
				}
				expect(scratchKey(restoreName(database, at, key))).toBe(key);
			}),
		);
		expect(restoreName('crm', at, key)).toBe('crm_restore_20261122t020000z_0123456789abcdef');
		expect(previousName('crm', 'before', at, new Set())).toBe('crm_before_20261122t020000z');
		expect(scratchKey(drillName('20261122T020000Z-full-a1b2c3', key))).toBe(key);
		expect(Buffer.byteLength(drillName('20261122T020000Z-full-a1b2c3', key))).toBeLessThanOrEqual(63);
	});

	it('avoid names that are taken', () => {
		const taken = new Set(['crm_before_20261122t020000z', 'crm_before_20261122t020000z_2']);
		expect(previousName('crm', 'before', at, taken)).toBe('crm_before_20261122t020000z_3');
		expect(hasNameOf('before', 'crm_before_20261122t020000z_3')).toBe(true);
	});

	it.each(['crm', 'crm_restore', 'crm_restore_2026', 'crm_before_20261122t020000z', `crm_restore_20261122t020000z_${key}0`, `crm_restore_20261122t020000z_${key}_old`, 'backup_recovery_drill_x'])('are not seen in %s', (other) =>
		expect(scratchKey(other)).toBeUndefined(),
	);

	it('cut by bytes, not by characters', () => expect(fitBytes('aé🐘b', 3)).toBe('aé'));
});

describe('marks', () => {
	const mark: DatabaseMark = { version: 1, role: 'previous', database: 'crm', backup: 'b', at: at.toISOString(), madeBy: 'h, process 1', comment: null, connectionLimit: -1 };

	it('are read again, whatever names and comments they hold', () => {
		fc.assert(
			fc.property(name, fc.option(name), fc.constantFrom('scratch', 'previous', 'undone'), (database, comment, role) => {
				const made: DatabaseMark = { ...mark, database, comment, role };
				expect(readMark(markComment(made))).toEqual(made);
			}),
		);
	});

	it.each([null, '', 'a comment', '[n8n-nodes-backup-recovery {}]', '[n8n-nodes-backup-recovery {"version":2}]', '[n8n-nodes-backup-recovery nonsense]', `${markComment(mark)} `])('are not seen in %j', (comment) =>
		expect(readMark(comment)).toBeUndefined(),
	);

	it('nest: a comment that holds a mark is only a comment', () => {
		const nested = { ...mark, comment: markComment({ ...mark, role: 'scratch' }) };
		expect(readMark(markComment(nested))).toEqual(nested);
	});
});
