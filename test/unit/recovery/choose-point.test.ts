import fc from 'fast-check';
import { COMPONENTS, type Component } from '../../../lib/catalog/component';
import type { MemberState, RecoveryPointSummary } from '../../../lib/catalog/recovery-point-summary';
import { holdsWhole } from '../../../lib/catalog/holds-whole';
import { choosePoint } from '../../../lib/recovery/choose-point';

const at = (day: number) => new Date(Date.UTC(2026, 10, day)).toISOString();
const member = (component: Component, kind: MemberState['kind'] = 'full', state: MemberState['state'] = 'present'): MemberState => ({ component, kind, source: 's', backup: 'b', asOf: { from: at(1), to: at(1), exact: true }, state, verified: null });
const point = (day: number, changes: Partial<RecoveryPointSummary> = {}): RecoveryPointSummary => ({
	id: `point-${String(day).padStart(2, '0')}`,
	name: '',
	recordedAt: at(day),
	complete: true,
	state: 'Complete.',
	members: [member('postgres'), member('files')],
	missing: [],
	span: null,
	store: '',
	...changes,
});
const incomplete = (day: number) => point(day, { complete: false, state: 'Incomplete. redis failed: it did not answer.' });

test('the newest complete one, and nothing to say when it is the newest of all', () => {
	expect(choosePoint([point(3), point(2)], null, ['postgres'])).toEqual({ recoveryPoint: point(3), passedOver: [], mustBeNamed: false, explanation: `Recovery point point-03 of ${at(3)} is the newest complete one.` });
});

test('a day without the database is passed over, and nobody is asked', () => {
	const choice = choosePoint([point(3, { members: [member('files')] }), point(2)], null, ['postgres']);
	expect(choice).toMatchObject({ recoveryPoint: { id: 'point-02' }, mustBeNamed: false, passedOver: [{ id: 'point-03', why: 'It holds no whole backup of postgres.', mayBeMeant: false }] });
});

test('two weeks of incomplete nights: the old one is not taken in silence', () => {
	const choice = choosePoint([...Array.from({ length: 14 }, (_, back) => incomplete(20 - back)), point(6)], null, ['postgres']);
	expect(choice).toMatchObject({ recoveryPoint: { id: 'point-06' }, mustBeNamed: true });
	expect(choice.explanation).toContain(`14 newer ones were passed over: point-20 of ${at(20)}: Incomplete. redis failed: it did not answer.`);
	expect(choice.explanation).toContain('… and 9 more. Name the one that you mean.');
	expect(choosePoint([incomplete(20), point(6)], 'point-20', ['postgres'])).toMatchObject({ recoveryPoint: { id: 'point-20' }, mustBeNamed: false, passedOver: [] });
	expect(choosePoint([point(20), point(6)], 'point-06', ['postgres'])).toMatchObject({ recoveryPoint: { id: 'point-06' }, mustBeNamed: false, passedOver: [{ id: 'point-20', why: 'Another one was named.' }] });
});

test('one that cannot be read may be the one that is meant', () => {
	const unreadable = point(9, { unreadable: true, complete: false, members: [], recordedAt: '', state: 'Its manifest is damaged.' });
	expect(choosePoint([unreadable, point(6)], null, ['postgres'])).toMatchObject({ mustBeNamed: true, passedOver: [{ why: 'Its manifest is damaged.' }] });
});

test('none: it says what there is instead', () => {
	expect(choosePoint([incomplete(4)], null, ['postgres'])).toMatchObject({ recoveryPoint: null, explanation: expect.stringMatching(/no complete recovery point that holds postgres\. There are others: point-04/) as string });
	expect(choosePoint([], 'point-04', ['postgres'])).toMatchObject({ recoveryPoint: null, explanation: 'There is no recovery point point-04.' });
});

const anyPoint = fc.record({ complete: fc.boolean(), unreadable: fc.constantFrom(undefined, true as const), members: fc.array(fc.record({ component: fc.constantFrom(...COMPONENTS), kind: fc.constantFrom('full' as const, 'base' as const, 'incremental' as const, 'extract' as const), state: fc.constantFrom('present' as const, 'gone' as const) })) });

test('whatever the store holds, no newer point that holds what is needed is passed over without asking', () => {
	fc.assert(
		fc.property(fc.array(anyPoint, { maxLength: 8 }), fc.subarray([...COMPONENTS]), (made, needed) => {
			const points = made.map(({ members, unreadable, ...rest }, index) => point(20 - index, { ...rest, ...(unreadable && { unreadable }), members: members.map(({ component, kind, state }) => member(component, kind, state)) }));
			const choice = choosePoint(points, null, needed);
			const index = points.findIndex(({ id }) => id === choice.recoveryPoint?.id);
			const newer = index < 0 ? points : points.slice(0, index);
			const holds = (one: RecoveryPointSummary) => needed.every((component) => holdsWhole(one, component));
			expect(newer.filter((one) => one.complete && holds(one))).toEqual([]);
			expect(choice.mustBeNamed).toBe(newer.some((one) => one.unreadable === true || holds(one)));
			expect(choice.passedOver.map(({ id }) => id)).toEqual(newer.map(({ id }) => id));
		}),
	);
});
