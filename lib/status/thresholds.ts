import type { BackupKind, Component } from '../catalog/component';

/** Until when a component's newest backup is fine, and until when it is only late. */
export interface Threshold {
	readonly component: Component;
	/** What people call it. */
	readonly label: string;
	readonly okHours: number;
	readonly warningHours: number;
	/** Missed even when nothing of it was ever backed up. */
	readonly always: boolean;
}

export const DEFAULT_THRESHOLDS: readonly Threshold[] = [
	{ component: 'postgres', label: 'PostgreSQL', okHours: 6, warningHours: 24, always: true },
	{ component: 'files', label: 'Files', okHours: 24, warningHours: 48, always: true },
	{ component: 'redis', label: 'Redis', okHours: 24, warningHours: 48, always: false },
	{ component: 'config', label: 'Configuration', okHours: 8 * 24, warningHours: 15 * 24, always: false },
	{ component: 'logs', label: 'Logs', okHours: 24, warningHours: 48, always: false },
	{ component: 'n8n', label: 'n8n', okHours: 24, warningHours: 48, always: false },
];

/** So many days the newest check of a component may be old: the shipped workflows read each backup back when it was taken, and restore one each week. */
export const DEFAULT_VERIFIED_WITHIN_DAYS = 35;

/** Kinds of backup from which a component can be brought back; extracts, globals and partial ones are none. */
export const COUNTED_KINDS: readonly BackupKind[] = ['full', 'base', 'incremental'];
