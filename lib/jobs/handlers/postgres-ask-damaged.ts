import { askDamaged as ask } from '../../postgres/recovery/incident/ask';
import type { JobHandler } from '../handler';

export const askDamaged: JobHandler<'postgres.askDamaged'> = async ({ connection, question }, context) => ({ damaged: await ask(connection, question, context), askedAt: context.now().toISOString() });
