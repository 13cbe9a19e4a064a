import { setTimeout as sleep } from 'node:timers/promises';
import { N8nExecution, type StoredExecution } from './n8n-execution';

/** The person who owns the throwaway n8n. */
export const OWNER = { email: 'owner@example.com', password: 'Throwaway-Owner-1', firstName: 'Olivia', lastName: 'Owner' };

const RUNNING = ['new', 'running', 'waiting'];

/** The requests that n8n's own editor makes, with its log-in cookie. */
export class N8nRest {
	private cookie = '';

	constructor(readonly url: string) {}

	/** Makes the first account of a fresh n8n and logs in with it. */
	async setUpOwner(): Promise<void> {
		await this.request('POST', '/rest/owner/setup', OWNER);
	}

	/** Logs in again, as after a restart of n8n. */
	async logIn(): Promise<void> {
		await this.request('POST', '/rest/login', { emailOrLdapLoginId: OWNER.email, password: OWNER.password });
	}

	/** Makes a workflow's present version the one that triggers run. */
	async publish(workflowId: string): Promise<void> {
		const { versionId } = await this.request<{ versionId: string }>('GET', `/rest/workflows/${workflowId}`);
		await this.request('POST', `/rest/workflows/${workflowId}/activate`, { versionId });
	}

	/** Takes a workflow's triggers away. */
	async unpublish(workflowId: string): Promise<void> {
		await this.request('POST', `/rest/workflows/${workflowId}/deactivate`, {});
	}

	async workflows(): Promise<Array<{ id: string; name: string; active: boolean }>> {
		return await this.request('GET', '/rest/workflows');
	}

	/** Presses "Execute workflow" at one of its triggers; yields the execution's id. */
	async run(workflowId: string, trigger: string): Promise<string> {
		const { executionId } = await this.request<{ executionId?: string }>('POST', `/rest/workflows/${workflowId}/run`, {
			triggerToStartFrom: { name: trigger },
		});
		if (executionId === undefined) throw new Error(`n8n did not start the workflow ${workflowId} at "${trigger}".`);
		return executionId;
	}

	async execution(id: string): Promise<N8nExecution> {
		return new N8nExecution(await this.request<StoredExecution>('GET', `/rest/executions/${id}`));
	}

	/** Waits until an execution has ended, whatever way. */
	async finished(id: string, timeoutMs = 120_000, onWaiting?: () => void): Promise<N8nExecution> {
		const deadline = performance.now() + timeoutMs;
		for (;;) {
			const execution = await this.execution(id);
			if (!RUNNING.includes(execution.status)) return execution;
			if (performance.now() > deadline) throw new Error(`Still not finished: ${execution.describe()}`);
			onWaiting?.();
			await sleep(250);
		}
	}

	/** The executions of a workflow, newest first, without their data. */
	async executions(workflowId: string): Promise<StoredExecution[]> {
		const filter = encodeURIComponent(JSON.stringify({ workflowId }));
		return (await this.request<{ results: StoredExecution[] }>('GET', `/rest/executions?filter=${filter}`)).results;
	}

	/** Presses "Stop". */
	async stopExecution(id: string): Promise<void> {
		await this.request('POST', `/rest/executions/${id}/stop`);
	}

	/** One request of the editor's; yields what n8n answers under `data`. */
	async request<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
		const response = await fetch(this.url + path, {
			method,
			headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), cookie: this.cookie },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);
		if (cookies.length > 0) this.cookie = cookies.join('; ');
		const text = await response.text();
		if (!response.ok) throw new Error(`${method} ${path} gave ${response.status}: ${text.slice(0, 1000)}`);
		return (JSON.parse(text) as { data: T }).data;
	}
}
