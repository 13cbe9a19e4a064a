import { BackupError } from '../core/errors';

export interface HttpCheck {
	/** Where something of the user's answers: http or https. */
	readonly url: string;
	/** What it is to look at, sent as JSON. */
	readonly body: Readonly<Record<string, unknown>>;
	readonly timeoutSeconds: number;
	readonly signal: AbortSignal;
}

/**
 * Posts what was restored to an address of the user's, which answers 2xx when it is content.
 * @returns a sentence
 * @throws BackupError `ASSERTION_FAILED` for any other answer, or none; `INVALID_INPUT` for what is no such address
 */
export async function checkByHttp({ url, body, timeoutSeconds, signal }: HttpCheck): Promise<string> {
	const place = placeOf(url);
	const limit = AbortSignal.timeout(timeoutSeconds * 1000);
	let answer: Response;
	try {
		answer = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' }, redirect: 'manual', signal: AbortSignal.any([signal, limit]) });
		await answer.body?.cancel();
	} catch (error) {
		if (signal.aborted) throw signal.reason;
		const why = limit.aborted ? `did not answer within ${timeoutSeconds} seconds` : 'could not be reached';
		throw new BackupError('ASSERTION_FAILED', `The HTTP check ${place} ${why}.`, 'See that it runs and that n8n reaches it. The restored database itself is as backed up.', { cause: error });
	}
	if (answer.ok) return `The HTTP check ${place} answered ${answer.status}.`;
	throw new BackupError('ASSERTION_FAILED', `The HTTP check ${place} answered ${answer.status}.`, 'Look into its log: it was told where the restored database is. The restored database itself is as backed up.');
}

/** Without what may be secret. */
function placeOf(url: string): string {
	const parsed = URL.canParse(url) ? new URL(url) : undefined;
	if (parsed && ['http:', 'https:'].includes(parsed.protocol)) return parsed.origin + parsed.pathname;
	throw new BackupError('INVALID_INPUT', 'The HTTP check is not an address that begins with http:// or https://.', 'Enter one, or leave it empty.');
}
