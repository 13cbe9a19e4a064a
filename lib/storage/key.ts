import { BackupError } from '../core/errors';

const PART = /^[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]*$/;
/** Leaves room for a temporary name within the 255 bytes that file systems allow. */
const MAX_PART = 200;
/** S3 allows 1,024 bytes; the prefix needs some of them. */
const MAX_KEY = 800;

/** Whether `part` may be a folder or object name: plain characters, no leading dot, no `..`. */
export function isPlainPart(part: string): boolean {
	return part.length <= MAX_PART && PART.test(part) && !part.includes('..');
}

/**
 * The one guard for all names in a store, so that no key can lead out of it.
 * @throws BackupError `PATH_REFUSED`
 */
export function requireKey(key: string): void {
	if (key.length > 0 && key.length <= MAX_KEY && key.split('/').every(isPlainPart)) return;
	throw refused(`The name ${quote(key)} cannot be used in a backup store.`);
}

/**
 * Same for a prefix: empty, or parts each followed by `/`.
 * @throws BackupError `PATH_REFUSED`
 */
export function requirePrefix(prefix: string): void {
	if (prefix === '') return;
	if (prefix.endsWith('/') && prefix.length <= MAX_KEY && prefix.slice(0, -1).split('/').every(isPlainPart)) return;
	throw refused(`The folder ${quote(prefix)} cannot be used in a backup store.`);
}

function refused(message: string): BackupError {
	return new BackupError(
		'PATH_REFUSED',
		message,
		'Names may hold letters, digits and . _ = + @ - in parts separated by single slashes; no part may start with a dot or hold "..".',
	);
}

function quote(text: string): string {
	return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
