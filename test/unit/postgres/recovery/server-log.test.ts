import { type RecoveryLog, recoveryFailure } from '../../../../lib/postgres/recovery/server-log';

const log = (fatal: string[], tail: string[] = fatal): RecoveryLog => ({ restoredFiles: 0, stopped: null, redoneTo: null, newTimeline: null, fatal, tail });
const code = (how: string, fatal: string[], tail?: string[]) => recoveryFailure(log(fatal, tail), how).code;

test.each([
	['FATAL:  could not write to file "base/5/1259": No space left on device', 'NO_SPACE'],
	['FATAL:  could not load library "/usr/lib/postgresql/15/lib/x.so": no such file', 'EXTENSION_MISSING'],
	['FATAL:  resource manager with ID 128 not registered', 'EXTENSION_MISSING'],
	['FATAL:  could not open file "global/pg_control": Permission denied', 'PERMISSION_DENIED'],
	['FATAL:  could not map anonymous shared memory: Cannot allocate memory', 'SERVER_ERROR'],
	['FATAL:  database files are incompatible with server', 'SERVER_VERSION'],
	['FATAL:  could not read block 3 in file "base/5/1259": Input/output error', 'SERVER_ERROR'],
	['FATAL:  recovery ended before configured recovery target was reached', 'TARGET_MISSED'],
	['FATAL:  requested recovery stop point is before consistent recovery point', 'TARGET_UNREACHABLE'],
	['FATAL:  WAL file is from different database system: …', 'WAL_CONFLICT'],
	['FATAL:  something that nobody foresaw', 'SERVER_ERROR'],
])('says nothing against the base backup: %s', (said, expected) => expect(code('exit code 1', [said])).toBe(expected));

test('a server that was killed, or a process of it, says nothing against the base backup', () => {
	expect(code('SIGKILL', [])).toBe('SERVER_ERROR');
	expect(code('exit code 1', ['FATAL:  could not restore file from archive'], ['LOG:  startup process (PID 7) was terminated by signal 9: Killed', 'LOG:  aborting startup due to startup process failure'])).toBe('SERVER_ERROR');
	expect(code('exit code 1', ['PANIC:  could not write to file "pg_wal/x": No space left on device'])).toBe('NO_SPACE');
});

test.each([
	'FATAL:  WAL ends before end of online backup',
	'FATAL:  WAL ends before consistent recovery point',
	'FATAL:  could not locate a valid checkpoint record',
	'PANIC:  WAL contains references to invalid pages',
	'PANIC:  could not locate a valid checkpoint record',
	'FATAL:  invalid page in block 7 of relation base/5/1259',
])('speaks against it: %s', (said) => expect(code('exit code 1', [said])).toBe('RESTORE_FAILED'));
