import { ToolMessages } from '../../../lib/postgres/tool-messages';

it('joins details and hints with their message, and tells errors from warnings', () => {
	const messages = new ToolMessages();
	for (const line of [
		'pg_dump: warning: there are circular foreign-key constraints among these tables:',
		'pg_dump: detail: a',
		'pg_dump: hint: You might not be able to restore the dump without using --disable-triggers.',
		'',
		'pg_dump: last built-in OID is 16383',
		'pg_dump: error: query failed: ERROR:  permission denied',
		'LINE 1: select',
	]) {
		messages.push(line);
	}
	expect(messages.messages).toEqual([
		{
			level: 'warning',
			text: 'there are circular foreign-key constraints among these tables: a You might not be able to restore the dump without using --disable-triggers.',
		},
		{ level: 'info', text: 'last built-in OID is 16383' },
		{ level: 'error', text: 'query failed: ERROR:  permission denied LINE 1: select' },
	]);
	expect(() => messages.refuseErrors()).toThrow('pg_dump reported: query failed');
});
