import type { BackupKind, Component } from './component';
import type { MissingMember, RecoverySpan } from './recovery-point';
import type { VerifiedState } from './summary';

/** A backup of the set, and what has become of it in this store. */
export interface MemberState {
	readonly component: Component;
	readonly kind: BackupKind;
	readonly source: string;
	readonly backup: string;
	readonly asOf: { readonly from: string; readonly to: string; readonly exact: boolean };
	/** `gone`: deleted, or never copied here. */
	readonly state: 'present' | 'damaged' | 'gone';
	readonly verified: VerifiedState | null;
}

/** What lists and items show of a recovery point. */
export interface RecoveryPointSummary {
	readonly id: string;
	readonly name: string;
	readonly recordedAt: string;
	/** Nothing was missing when it was recorded, and all of it is still here and undamaged. */
	readonly complete: boolean;
	/** Why it is not complete, or that it is, as a sentence. */
	readonly state: string;
	/** Its manifest cannot be read. */
	readonly unreadable?: true;
	readonly members: MemberState[];
	/** What failed in its run. */
	readonly missing: MissingMember[];
	readonly span: RecoverySpan | null;
	readonly store: string;
	readonly note?: string;
}
