import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUNBOOKS } from '../../../lib/status/finding';
import { resolves } from '../docs/links';

const ROOT = join(__dirname, '../../..');
const sources = ['lib/alerts/find-problems.ts', 'lib/alerts/check-alerts.ts'].map((path) => readFileSync(join(ROOT, path), 'utf8')).join();
const named = [...sources.matchAll(/runbook: '([^']+)'/g)].map(([, page = '']) => page);

test('every alert names a page and a heading that there are', () => {
	expect(named.length).toBeGreaterThanOrEqual(3);
	expect([...Object.values(RUNBOOKS), ...named].filter((page) => !resolves(ROOT, 'README.md', page))).toEqual([]);
});
