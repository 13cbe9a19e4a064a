import { nearNames } from '../../../lib/postgres/near-names';

it('suggests names that differ by case, a few letters, or a part, best first', () => {
	expect(nearNames('Deals', ['contacts', 'deal', 'deals', 'deals_old', 'dials'])).toEqual([
		'deals',
		'deal',
		'deals_old',
		'dials',
	]);
});

it('suggests nothing far away', () => {
	expect(nearNames('invoices', ['a', 'customers'])).toEqual([]);
});
