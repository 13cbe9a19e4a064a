import { findIncident as find } from '../../postgres/recovery/incident/find-incident';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const findIncident: JobHandler<'postgres.findIncident'> = async ({ kind: _, store, ...options }, context) => await find({ ...options, store: openStore(store, context) }, context);
