import type { Manifest } from '../catalog/manifest';

/** What is watched from backup to backup of one series. Every value is 0 or more. */
export const MEASURES = ['storedBytes', 'sourceBytes', 'storedShare', 'rows', 'files', 'changedShare', 'deletedShare'] as const;
export type Measure = (typeof MEASURES)[number];

/** `storedShare`: stored to source bytes, 1 where nothing compresses, as of encrypted files. Shares are of all files of the tree, 0 to 1. */
export type Measures = Partial<Record<Measure, number>>;

/** What one backup says of itself; only what its kind can tell. */
export function measure(manifest: Manifest): Measures {
	const artifacts = manifest.artifacts.filter(({ compression }) => compression.algorithm === 'zstd');
	const source = sum(artifacts.map(({ sourceBytes }) => sourceBytes));
	const stored = sum(artifacts.map(({ storedBytes }) => storedBytes));
	const { files } = manifest;
	return {
		storedBytes: manifest.storedBytes,
		sourceBytes: manifest.sourceBytes,
		// Headers and frames of small things say nothing.
		...(source >= 100_000 && { storedShare: Math.min(1, stored / source) }),
		...rowsOf(manifest),
		...(files && {
			files: files.tree.files,
			...(manifest.kind === 'incremental' && { changedShare: share(files.carried.files, files.tree.files) }),
			...(manifest.kind === 'incremental' && { deletedShare: share(files.deleted, files.tree.files + files.deleted) }),
		}),
	};
}

function rowsOf({ postgres, redis }: Manifest): { rows?: number } {
	if (postgres?.proof) return { rows: sum(postgres.proof.tables.map(({ rows }) => rows)) };
	if (redis) return { rows: sum(redis.databases.map(({ keys }) => keys)) };
	return {};
}

function share(part: number, whole: number): number {
	return whole === 0 ? 0 : Math.min(1, part / whole);
}

function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}
