import type { JobContext } from '../core/context';
import type { ResultOf } from './results';
import type { JobKind, JobOf } from './schema/job';

/** Does one kind of job: checked input in, result or `BackupError` out. Runs inside the job's own process. */
export type JobHandler<K extends JobKind> = (job: JobOf<K>, context: JobContext) => Promise<ResultOf<K>>;
