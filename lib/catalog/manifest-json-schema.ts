import { z } from 'zod';
import { manifestSchema } from './manifest';

const ABOUT = 'manifest.json of a backup, format version 1. Unknown fields are allowed and kept.';

/** The manifest's format as published in `docs/manifest.schema.json`, for readers in other languages (JSON Schema 2020-12). */
export function manifestJsonSchema(): Record<string, unknown> {
	return { title: 'Backup manifest', description: ABOUT, ...z.toJSONSchema(manifestSchema, { io: 'input' }) };
}
