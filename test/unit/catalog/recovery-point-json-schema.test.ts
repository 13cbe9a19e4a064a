import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recoveryPointJsonSchema } from '../../../lib/catalog/recovery-point';

const file = join(__dirname, '../../../docs/recovery-point.schema.json');

test('the published schema is that of the code (UPDATE_SCHEMA=1 writes it anew)', () => {
	const current = `${JSON.stringify(recoveryPointJsonSchema(), null, '\t')}\n`;
	if (process.env.UPDATE_SCHEMA === '1') writeFileSync(file, current);
	expect(readFileSync(file, 'utf8')).toBe(current);
	expect(recoveryPointJsonSchema()).toMatchObject({ type: 'object', required: expect.arrayContaining(['formatVersion', 'id', 'members', 'missing', 'span', 'digest']) });
});
