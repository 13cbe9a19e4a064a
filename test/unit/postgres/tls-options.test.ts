import { TLS_MODES } from '../../../lib/postgres/connection-settings';
import { tlsPlan, trustedAuthorities } from '../../../lib/postgres/tls-options';

const connection = (mode: (typeof TLS_MODES)[number], ca = '', host = 'db') => ({ host, tls: { mode, ca } });

it.each([
	['disable', '', false, false],
	['prefer', '', { rejectUnauthorized: false }, true],
	['prefer', 'CA', { rejectUnauthorized: false }, true],
	['require', '', { rejectUnauthorized: false }, false],
	['require', 'CA', { ca: 'CA', checkServerIdentity: expect.any(Function) }, false],
	['verify-ca', '', { rejectUnauthorized: true, checkServerIdentity: expect.any(Function) }, false],
	['verify-full', 'CA', { ca: 'CA', rejectUnauthorized: true }, false],
] as const)('%s with authority "%s"', (mode, ca, ssl, fallBackToPlain) => {
	expect(tlsPlan(connection(mode, ca))).toEqual({ ssl, fallBackToPlain });
});

it('a Unix socket is never encrypted', () => {
	for (const mode of TLS_MODES) expect(tlsPlan(connection(mode, '', '/run/postgresql')).ssl).toBe(false);
});

it('libpq is told to trust the same', () => {
	expect(trustedAuthorities(connection('prefer', 'CA'))).toBeUndefined();
	expect(trustedAuthorities(connection('require'))).toBeUndefined();
	expect(trustedAuthorities(connection('require', 'CA'))).toBe('CA');
	expect(trustedAuthorities(connection('verify-full'))).toContain('BEGIN CERTIFICATE');
});
