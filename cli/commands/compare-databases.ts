import type { DatabaseComparison } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { connectionFrom, connectionOptions, outputOptions, requiredOption, textOption, wholeNumberOption } from '../options';
import { renderTable } from '../table';

export const compareDatabases: Command = {
	name: 'compare-databases',
	summary: 'Compare a live database with a recovered one, table by table. Writes to neither.',
	usage:
		'backup-recovery compare-databases --database NAME --host HOST --user USER --password-file FILE\n' +
		'    --recovered-host HOST-OR-SOCKET-FOLDER [--recovered-port 5432] [--recovered-user USER] [--recovered-database NAME] [--count-only]',
	options: {
		...connectionOptions,
		...outputOptions,
		database: { type: 'string', short: 'd' },
		'recovered-host': { type: 'string' },
		'recovered-port': { type: 'string' },
		'recovered-user': { type: 'string' },
		'recovered-database': { type: 'string' },
		'count-only': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const connection = await connectionFrom(values, world);
		const database = requiredOption(values, 'database');
		const host = textOption(values, 'recovered-host');
		const port = wholeNumberOption(values, 'recovered-port') ?? (host === undefined ? connection.port : 5432);
		const user = textOption(values, 'recovered-user') ?? connection.user;
		const result = await runJob<'postgres.compareDatabases'>(
			{
				kind: 'postgres.compareDatabases',
				live: { connection, database },
				recovered: {
					connection: { ...connection, host: host ?? connection.host, port, user },
					database: textOption(values, 'recovered-database') ?? database,
				},
				fingerprint: values['count-only'] !== true,
			},
			world.runOptions,
		);
		return { result, text: describe(result) };
	},
};

function describe({ sentence, tables, otherDifferences }: DatabaseComparison): string {
	const rows = tables.map(({ schema, name, rowsBefore, rowsNow, state }) => [`${schema}.${name}`, shown(rowsBefore), shown(rowsNow), STATES[state]]);
	return [renderTable(['table', 'rows before', 'rows now', 'state'], rows), ...otherDifferences.map((difference) => `Also: ${difference}.`), sentence].join('\n');
}

const STATES = { same: 'same', sameRows: 'as many rows', changed: 'CHANGED', missing: 'MISSING', new: 'NEW' } as const;

function shown(rows: number | null): string {
	return rows === null ? '-' : String(rows);
}
