import { stopRecovered as stop } from '../../postgres/recovery/stop-recovered';
import type { JobHandler } from '../handler';

export const stopRecovered: JobHandler<'postgres.stopRecovered'> = async ({ kind: _, ...options }, context) => await stop(options, context);
