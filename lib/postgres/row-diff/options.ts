import type { ComparedDatabase } from '../compare-databases';
import type { KeptReason } from './three-way';

export interface RowDiffOptions {
	/** A recovered database of just before the incident. */
	readonly before: ComparedDatabase;
	/** A recovered database of just after it. */
	readonly after: ComparedDatabase;
	/** The database as it is now. */
	readonly live: ComparedDatabase;
	/** `schema.table`; empty: all. */
	readonly tables: readonly string[];
	/** Where the patch is written; must not exist. */
	readonly patchFile: string;
	/** How many of the patch's statements the result shows, with the values in them; 0: none. */
	readonly previewStatements: number;
}

/** A row that the incident changed and that stays as it is, all or some of its values. */
export interface KeptRow {
	readonly table: string;
	readonly key: string[];
	readonly why: KeptReason;
	readonly columns: string[];
}

export interface TableDiff {
	readonly table: string;
	readonly inserts: number;
	readonly updates: number;
	readonly deletes: number;
	/** Left as they are, all or some of their values: changed again since, or bound to what came later. */
	readonly kept: number;
	/** The incident changed them, and they are already as before. */
	readonly mended: number;
}

export interface WrittenPatch {
	readonly file: string;
	readonly sha256: string;
	/** Rows that it changes. */
	readonly statements: number;
	readonly bytes: number;
	/** The first statements, as many as were asked for; long ones are cut. */
	readonly preview: string[];
}

export interface RowDiffResult {
	readonly database: string;
	readonly tables: TableDiff[];
	/** The first ones. */
	readonly keptRows: KeptRow[];
	/** What a patch of rows cannot bring back, in words. */
	readonly notes: string[];
	/** Null: nothing is to be brought back, and no file was written. */
	readonly patch: WrittenPatch | null;
	readonly sentence: string;
}

export interface ApplyPatchOptions extends ComparedDatabase {
	readonly patchFile: string;
	/** SHA-256 of the patch that was reviewed; empty: not compared. */
	readonly sha256: string;
	/** The name of the database, as typed by a person. */
	readonly confirmation: string;
	/** Do all of it, count the rows, and take it back. */
	readonly dryRun: boolean;
	readonly lockWaitSeconds: number;
}

export interface ApplyPatchResult {
	readonly dryRun: boolean;
	readonly database: string;
	readonly sha256: string;
	readonly statements: number;
	readonly rows: number;
	readonly sentence: string;
}
