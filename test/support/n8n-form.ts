import { setTimeout as sleep } from 'node:timers/promises';

export interface FormLogin {
	readonly user: string;
	readonly password: string;
}

/** What the browser of somebody shows who fills in one of n8n's forms. */
export class FormVisit {
	private constructor(private readonly waitingUrl: string) {}

	/** Submits the first page of a published workflow's form; the values are in the order of its fields. @throws Error when n8n refuses it */
	static async begin(n8nUrl: string, path: string, values: readonly string[], login: FormLogin): Promise<FormVisit> {
		const authorization = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
		const response = await fetch(`${n8nUrl}/form/${path}`, { method: 'POST', body: filledIn(values), headers: { authorization } });
		if (response.status !== 200) throw new Error(`The form answered ${response.status}.`);
		const { formWaitingUrl } = JSON.parse(await response.text()) as { formWaitingUrl: string };
		return new FormVisit(formWaitingUrl);
	}

	/** Waits for the next page, as the browser does, and yields what it holds, without styles and scripts. */
	async page(timeoutMs = 120_000): Promise<string> {
		const deadline = performance.now() + timeoutMs;
		const status = new URL(this.waitingUrl);
		status.pathname += '/n8n-execution-status';
		for (;;) {
			const text = (await (await fetch(status)).text()).trim();
			if (text === 'form-waiting') return (await (await fetch(this.waitingUrl)).text()).replace(/<(style|script)\b[^]*?<\/\1>/g, '').replace(/\s+/g, ' ');
			if (!['running', 'new', 'waiting'].includes(text)) throw new Error(`The form's execution ended: ${text}.`);
			if (performance.now() > deadline) throw new Error('The next page of the form never came.');
			await sleep(200);
		}
	}

	/** What the browser does by itself with a last page once it is shown: what comes behind that page goes on. Nobody looks at the answer, which tells of a failure where that is to fail. */
	async leave(): Promise<void> {
		await (await fetch(this.waitingUrl, { method: 'POST', body: filledIn([]) })).text();
	}

	/** Submits the page that is shown. */
	async submit(values: readonly string[]): Promise<void> {
		const response = await fetch(this.waitingUrl, { method: 'POST', body: filledIn(values) });
		if (response.status !== 200) throw new Error(`The page answered ${response.status}: ${await response.text()}`);
	}
}

function filledIn(values: readonly string[]): FormData {
	const form = new FormData();
	values.forEach((value, index) => form.append(`field-${index}`, value));
	return form;
}
