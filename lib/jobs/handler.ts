import type { JobContext } from '../core/context';
import type { ItemOf, ResultOf } from './results';
import type { JobKind, JobOf } from './schema/job';

/**
 * Does one kind of job: checked input in, result or `BackupError` out. Runs inside the job's own process.
 * A job that goes on for long tells by `emit` what happens meanwhile.
 */
export type JobHandler<K extends JobKind> = (job: JobOf<K>, context: JobContext, emit?: (item: ItemOf<K>) => void) => Promise<ResultOf<K>>;
