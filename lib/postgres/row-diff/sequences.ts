import pg from 'pg';
import { displayTable, quoteTable } from '../table-names';

interface SequenceState {
	readonly schema: string;
	readonly name: string;
	/** As text: 64 bits. */
	readonly last: string;
	readonly rises: boolean;
}

const MOST_NAMED = 20;

/** Says which sequences of the live database stand behind where they stood before the incident (`TRUNCATE … RESTART IDENTITY`): numbers that rows have already would be given again. */
export async function sequencesBehind(before: pg.Client, live: pg.Client): Promise<string[]> {
	const now = new Map((await readSequences(live)).map((each) => [displayTable(each), each]));
	const behind = (await readSequences(before)).flatMap((then) => {
		const current = now.get(displayTable(then));
		if (!current || (then.rises ? BigInt(current.last) >= BigInt(then.last) : BigInt(current.last) <= BigInt(then.last))) return [];
		return [`The sequence ${displayTable(then)} stands at ${current.last} and stood at ${then.last} before the incident: it would give numbers again that rows have already. After the patch run: SELECT setval(${pg.escapeLiteral(quoteTable(then))}, ${then.last});`];
	});
	return behind.length <= MOST_NAMED ? behind : [...behind.slice(0, MOST_NAMED), `So do ${behind.length - MOST_NAMED} more sequences.`];
}

/** One that has not given a number yet stands before its first. */
async function readSequences(client: pg.Client): Promise<SequenceState[]> {
	const { rows } = await client.query<SequenceState>(
		`SELECT schemaname AS schema, sequencename AS name, coalesce(last_value, start_value - increment_by)::text AS last, increment_by > 0 AS rises
		FROM pg_catalog.pg_sequences WHERE schemaname NOT LIKE 'pg\\_temp%' AND has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'SELECT, USAGE') ORDER BY 1, 2`,
	);
	return rows;
}
