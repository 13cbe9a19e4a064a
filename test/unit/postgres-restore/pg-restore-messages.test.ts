import { PgRestoreMessages } from '../../../lib/postgres/restore/pg-restore-messages';

function read(text: string) {
	const progress: string[] = [];
	const messages = new PgRestoreMessages((line) => progress.push(line));
	for (const line of text.split('\n')) messages.push(line);
	messages.end();
	return { messages, progress };
}

describe('what pg_restore says', () => {
	it('is errors with their details, command and place', () => {
		const { messages, progress } = read(`pg_restore: connecting to database for restore
pg_restore: creating TABLE "public.deals"
pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 215; 1259 16386 TABLE deals crm
pg_restore: error: could not execute query: ERROR:  role "crm" does not exist
HINT:  make it
Command was: ALTER TABLE public.deals
OWNER TO crm;


pg_restore: processing data for table "public.deals"
pg_restore: warning: errors ignored on restore: 1`);
		expect(messages.of('error')).toEqual([
			{ kind: 'error', entry: '215; 1259 16386 TABLE deals crm', text: 'error: could not execute query: ERROR:  role "crm" does not exist\nHINT:  make it\nCommand was: ALTER TABLE public.deals\nOWNER TO crm;' },
		]);
		expect(messages.ignoredErrors).toBe(1);
		expect(messages.of('warning', 'unknown', 'harmless')).toEqual([]);
		expect(progress).toContain('processing data for table "public.deals"');
	});

	it('is harmless when a newer pg_restore sets what an older server does not know, and only then', () => {
		const text = (command: string) => `pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"\nCommand was: ${command}`;
		expect(read(text('SET transaction_timeout = 0;')).messages.of('harmless')).toHaveLength(1);
		expect(read(text('SET transaction_timeout = 5;')).messages.of('error')).toHaveLength(1);
		expect(read(text('SET other = 0;').replace('transaction_timeout"', 'other"')).messages.of('error')).toHaveLength(1);
	});

	it('is not confused by names that hold newlines', () => {
		const { messages } = read('pg_restore: creating TABLE "public.a\nb"\npg_restore: finished item 1 TABLE a\nb');
		expect(messages.messages).toEqual([]);
	});

	it('keeps what it does not know', () => {
		expect(read('what is this?').messages.messages).toEqual([{ kind: 'unknown', text: 'what is this?' }]);
		expect(read('pg_restore: warning: archive is old').messages.of('warning')).toHaveLength(1);
		expect(read('pg_restore: error: could not read from input file: end of file').messages.of('error')).toHaveLength(1);
	});
});
