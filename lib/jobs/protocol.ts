import type { SerializedError } from '../core/errors';
import type { ProgressEvent } from '../core/progress';
import type { Job } from './schema/job';

/** Parent to child, over the IPC channel: never argv or the environment, because a job holds secrets. */
export type ParentMessage =
	| { readonly type: 'start'; readonly job: Job; readonly workFolder: string }
	| { readonly type: 'cancel'; readonly reason: SerializedError };

/** Child to parent. Exactly one `result` or `error` ends a job. */
export type ChildMessage =
	| { readonly type: 'progress'; readonly event: ProgressEvent }
	/** Each arrives, in order. */
	| { readonly type: 'item'; readonly item: unknown }
	| { readonly type: 'result'; readonly result: unknown }
	| { readonly type: 'error'; readonly error: SerializedError };
