import { checkWorkflowAlert } from '../../alerts/check-alerts';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const checkWorkflow: JobHandler<'alerts.checkWorkflow'> = async ({ store, workflow, problem, ...policy }, context) =>
	await checkWorkflowAlert(openStore(store, context), workflow, problem, policy, context);
