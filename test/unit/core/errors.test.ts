import { runInNewContext } from 'node:vm';
import { BackupError, throwIfAborted, toBackupError } from '../../../lib/core/errors';

test('crosses the process boundary with what people need and no stack', () => {
	const error = new BackupError('STORE_FULL', 'The disk is full.', 'Free space.', { cause: new Error('ENOSPC') });
	const copy = BackupError.fromJSON(JSON.parse(JSON.stringify(error)));
	expect(copy).toBeInstanceOf(BackupError);
	expect(copy.toJSON()).toEqual({ code: 'STORE_FULL', message: 'The disk is full.', hint: 'Free space.', cause: 'ENOSPC' });
});

test('keeps a BackupError as it is and wraps anything else', () => {
	const error = new BackupError('LOCK_HELD', 'held', 'wait');
	expect(toBackupError(error)).toBe(error);
	expect(toBackupError(new Error('odd'))).toMatchObject({ code: 'INTERNAL', message: 'odd' });
	expect(toBackupError('text')).toMatchObject({ code: 'INTERNAL', message: 'text' });
});

test('knows errors of another realm by their shape', () => {
	const foreign: unknown = runInNewContext('new Error("from elsewhere")');
	expect(toBackupError(foreign)).toMatchObject({ code: 'INTERNAL', message: 'from elsewhere' });
	const aborted: unknown = runInNewContext('Object.assign(new Error("x"), { name: "AbortError" })');
	expect(toBackupError(aborted)).toMatchObject({ code: 'CANCELLED' });
});

test('an aborted signal throws its own reason when that is a BackupError', () => {
	const lost = new BackupError('LOCK_LOST', 'lost', 'again');
	expect(() => throwIfAborted(AbortSignal.abort(lost))).toThrow(lost);
	expect(() => throwIfAborted(AbortSignal.abort())).toThrow(expect.objectContaining({ code: 'CANCELLED' }));
	expect(() => throwIfAborted(new AbortController().signal)).not.toThrow();
});
