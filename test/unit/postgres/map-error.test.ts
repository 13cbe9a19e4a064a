import pg from 'pg';
import { BackupError } from '../../../lib/core/errors';
import { mapPostgresError } from '../../../lib/postgres/map-error';

const place = { connection: { host: 'db', port: 5432, user: 'crm' }, database: 'live', doing: 'counting' };

function serverError(code: string): pg.DatabaseError {
	const error = new pg.DatabaseError('eine Meldung', 10, 'error');
	error.code = code;
	return error;
}

it.each([
	['28P01', 'AUTHENTICATION_FAILED', 'password'],
	['28000', 'AUTHENTICATION_FAILED', 'pg_hba.conf'],
	['3D000', 'DATABASE_NOT_FOUND', 'name of the database'],
	['42501', 'PERMISSION_DENIED', 'Grant'],
	['42P01', 'TABLE_NOT_FOUND', 'table'],
	['42703', 'COLUMN_NOT_FOUND', 'column'],
	['53300', 'SERVER_UNREACHABLE', 'max_connections'],
	['53200', 'SERVER_ERROR', 'max_locks_per_transaction'],
	['53100', 'NO_SPACE', 'disk'],
	['57P03', 'SERVER_UNREACHABLE', 'starting up'],
	['55P03', 'SERVER_ERROR', 'lock'],
	['XX000', 'SERVER_ERROR', 'log'],
])('SQLSTATE %s becomes %s, in any language', (state, code, hint) => {
	const error = mapPostgresError(serverError(state), place);
	expect(error.code).toBe(code);
	expect(error.hint).toContain(hint);
	expect(error.message).toContain('db:5432');
	expect(error.message).toContain('while counting');
});

it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNRESET'])(
	'%s means that the server cannot be reached',
	(code) => {
		const error = mapPostgresError(Object.assign(new Error('x'), { code }), place);
		expect(error.code).toBe('SERVER_UNREACHABLE');
		expect(error.message).toContain(code);
	},
);

it('looks into an error of several addresses', () => {
	const error = mapPostgresError(new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]), place);
	expect(error.message).toContain('ECONNREFUSED');
});

it.each(['CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'SELF_SIGNED_CERT_IN_CHAIN', 'EPROTO'])(
	'%s means that TLS failed',
	(code) => {
		expect(mapPostgresError(Object.assign(new Error('x'), { code }), place).code).toBe('TLS_FAILED');
	},
);

it('leaves an error of ours as it is', () => {
	const own = new BackupError('CANCELLED', 'a', 'b');
	expect(mapPostgresError(own, place)).toBe(own);
});
