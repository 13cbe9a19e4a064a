import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestJsonSchema } from '../../../lib/catalog/manifest-json-schema';

const file = join(__dirname, '../../../docs/manifest.schema.json');

test('the published schema is that of the code (UPDATE_SCHEMA=1 writes it anew)', () => {
	const current = `${JSON.stringify(manifestJsonSchema(), null, '\t')}\n`;
	if (process.env.UPDATE_SCHEMA === '1') writeFileSync(file, current);
	expect(readFileSync(file, 'utf8')).toBe(current);
	expect(manifestJsonSchema()).toMatchObject({
		$schema: 'https://json-schema.org/draft/2020-12/schema',
		type: 'object',
		required: expect.arrayContaining(['formatVersion', 'id', 'artifacts', 'digest']),
	});
});
