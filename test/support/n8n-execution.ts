export type N8nExecutionStatus = 'new' | 'running' | 'waiting' | 'success' | 'error' | 'canceled' | 'crashed' | 'unknown';

/** What n8n stores about a node's failure. */
export interface N8nNodeFailure {
	readonly message: string;
	readonly description?: string | null;
	readonly node?: { readonly name: string };
}

interface RunData {
	readonly resultData?: {
		readonly error?: N8nNodeFailure;
		readonly lastNodeExecuted?: string;
		readonly runData?: Record<string, Array<{ data?: { main?: Array<Array<{ json: unknown }> | null> }; error?: N8nNodeFailure; executionTime?: number }>>;
	};
}

export interface StoredExecution {
	readonly id: string;
	readonly status: N8nExecutionStatus;
	readonly workflowId: string;
	readonly mode: string;
	readonly data?: string;
}

/** One execution as n8n stored it. */
export class N8nExecution {
	private readonly run: RunData;

	constructor(private readonly stored: StoredExecution) {
		this.run = stored.data === undefined ? {} : (parseFlatted(stored.data) as RunData);
	}

	get id(): string {
		return this.stored.id;
	}

	get status(): N8nExecutionStatus {
		return this.stored.status;
	}

	get mode(): string {
		return this.stored.mode;
	}

	get error(): N8nNodeFailure | undefined {
		return this.run.resultData?.error;
	}

	get nodes(): string[] {
		return Object.keys(this.run.resultData?.runData ?? {});
	}

	/** The JSON of the items that a node gave on one of its outputs, over all its runs; empty when it did not run. */
	items<T>(node: string, output = 0): T[] {
		const runs = this.run.resultData?.runData?.[node] ?? [];
		return runs.flatMap((each) => each.data?.main?.[output] ?? []).map((item) => item.json as T);
	}

	/** Seconds that a node took, over all its runs. */
	seconds(node: string): number {
		const runs = this.run.resultData?.runData?.[node] ?? [];
		return runs.reduce((sum, each) => sum + (each.executionTime ?? 0), 0) / 1000;
	}

	/** For the message of a test that expected something else. */
	describe(): string {
		const error = this.error;
		if (error === undefined) return `execution ${this.id} is "${this.status}" after: ${this.nodes.join(' > ')}`;
		return `execution ${this.id} is "${this.status}": ${error.message} ${error.description ?? ''} (node "${error.node?.name ?? this.run.resultData?.lastNodeExecuted}")`;
	}
}

/**
 * Reads the format in which n8n stores executions (https://github.com/WebReflection/flatted): a list whose first entry is
 * the value, and in which every string inside an entry is the index of another entry.
 */
export function parseFlatted(text: string): unknown {
	const entries = JSON.parse(text) as unknown[];
	const built = new Map<number, unknown>();
	const resolve = (index: number): unknown => {
		if (built.has(index)) return built.get(index);
		const entry = entries[index];
		if (typeof entry !== 'object' || entry === null) return entry;
		const value = Array.isArray(entry) ? [] : {};
		built.set(index, value);
		for (const [key, part] of Object.entries(entry)) {
			(value as Record<string, unknown>)[key] = typeof part === 'string' ? resolve(Number(part)) : part;
		}
		return value;
	};
	return resolve(0);
}
