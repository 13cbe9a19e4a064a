import type { BackupKind, Component } from './component';
import type { RecoveryPointSummary } from './recovery-point-summary';

/** What restores everything of its component without WAL. */
const WHOLE: Readonly<Record<Component, readonly BackupKind[]>> = {
	postgres: ['full'],
	redis: ['full'],
	files: ['full', 'incremental'],
	config: ['full', 'incremental'],
	logs: ['full', 'incremental'],
	n8n: ['full'],
};

/** Whether a recovery point has a whole backup of the component, and it is still in the store and undamaged. */
export function holdsWhole({ members }: Pick<RecoveryPointSummary, 'members'>, component: Component): boolean {
	return members.some((member) => member.component === component && member.state === 'present' && WHOLE[component].includes(member.kind));
}
