import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { postgresConnectionSchema } from '../../lib/postgres/connection-settings';
import { redisConnectionSchema } from '../../lib/redis/connection-settings';
import { resolveSecrets, type SecretSources } from '../secrets';
import { UsageError } from '../usage-error';

const absolutePath = z.string().refine((path) => isAbsolute(path), 'is not an absolute path');
/** `source.name` of the backup, as `recovery-points` shows it. */
const source = z.string().min(1);
const folders = z.array(z.strictObject({ source, folder: absolutePath })).default([]);

/** Where everything of a recovery point goes. Every place must be empty: what lives is never touched by this command. */
export const targetsSchema = z.strictObject({
	postgres: z
		.strictObject({
			connection: postgresConnectionSchema,
			/** Name of the backed-up database to the name that it gets; one that is not named keeps its own. */
			databases: z.record(z.string(), z.string().min(1)).default({}),
			parallelJobs: z.number().int().min(1).max(64).default(2),
		})
		.optional(),
	redis: z.array(z.strictObject({ source, connection: redisConnectionSchema })).default([]),
	files: folders,
	config: folders,
	logs: folders,
	n8n: z
		.array(
			z.strictObject({
				source,
				dataFolder: absolutePath,
				databaseFile: z.string().optional(),
				/** Where n8n was on PostgreSQL. */
				postgres: z.strictObject({ connection: postgresConnectionSchema, database: z.string().min(1) }).optional(),
			}),
		)
		.default([]),
	/** What is not to be restored: `component` or `component/source`. Nothing is left out without being named. */
	leaveOut: z.array(z.string().min(1)).default([]),
});
export type Targets = z.infer<typeof targetsSchema>;

/** @throws UsageError naming each wrong field, never its value, which may be secret */
export async function readTargets(path: string, sources: SecretSources): Promise<Targets> {
	let value: unknown;
	try {
		value = JSON.parse(await readFile(path, 'utf8'));
	} catch (error) {
		throw new UsageError(error instanceof SyntaxError ? `The targets file ${path} is not valid JSON.` : `The targets file ${path} cannot be read: ${(error as Error).message}`);
	}
	const parsed = targetsSchema.safeParse(await resolveSecrets(value, sources));
	if (parsed.success) return parsed.data;
	throw new UsageError(`The targets file ${path} is not valid: ${parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`).join('; ')}.`);
}
