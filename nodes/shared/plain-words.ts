/**
 * What n8n replaces whole messages for, wherever in an error's message it finds one of them: a node behind ours (*Stop and Error*) would then
 * say "perhaps it is offline" instead of which server, of which backup.
 */
const WORDS: Readonly<Record<string, string>> = {
	ECONNREFUSED: 'connection refused',
	ECONNRESET: 'connection reset',
	ECONNABORTED: 'connection aborted',
	ENOTFOUND: 'host not found',
	ETIMEDOUT: 'no answer in time',
	ERRADDRINUSE: 'port in use',
	EADDRNOTAVAIL: 'address not available',
	EHOSTUNREACH: 'host unreachable',
	EAI_AGAIN: 'name look-up failed',
	GETADDRINFO: 'name look-up',
	ENOENT: 'does not exist',
	EISDIR: 'is a folder',
	ENOTDIR: 'is not a folder',
	EACCES: 'permission denied',
	EEXIST: 'exists already',
	EPERM: 'not permitted',
};

const CODES = new RegExp(Object.keys(WORDS).join('|'), 'gi');

/** The message with words in place of the system's codes. */
export function plainWords(message: string): string {
	return message.replace(CODES, (code) => WORDS[code.toUpperCase()] ?? code);
}
