import type { IDataObject, INodeExecutionData, INodeProperties, NodeExecutionHint } from 'n8n-workflow';
import type { ResultOf } from '../../lib/jobs/results';
import type { JobKind } from '../../lib/jobs/schema/job';
import type { Parameters } from './parameters';
import type { InputOf, JobSources } from './run-node-job';

/** What an operation builds a job from: one item's parameters and the node's credentials. */
export interface OperationInput extends JobSources {
	readonly parameters: Parameters;
	/** The input items that the job is for: one, or all of them (see `runnableForAll`). */
	readonly items: readonly INodeExecutionData[];
	/** IANA name of the workflow's time zone. */
	readonly timeZone: string;
	readonly now: Date;
}

/** One operation of a node: what it asks for, the job it becomes, and the items that come out. */
export interface Operation<K extends JobKind> {
	readonly properties: INodeProperties[];
	job(input: OperationInput): Promise<InputOf<K>>;
	items(result: ResultOf<K>): IDataObject[];
	/** What a person should see above the output. */
	hints?(result: ResultOf<K>): NodeExecutionHint[];
}
