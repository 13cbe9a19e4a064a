import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { escapeLiteral } from 'pg';
import { applyPatch } from '../../../lib/postgres/row-diff/apply-patch';
import { diffRows } from '../../../lib/postgres/row-diff/diff-rows';
import type { KeptRow } from '../../../lib/postgres/row-diff/options';
import { decideRow } from '../../../lib/postgres/row-diff/three-way';
import { times } from '../../support/breadth';
import { testContext, type TestContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

/** Composite keys, unique values that others refer to, rows that refer to rows of their own table, and every way in which a deleted or changed row reaches others. */
const SCHEMA = `
CREATE TABLE teams (region int, no int, title text UNIQUE, PRIMARY KEY (region, no));
CREATE TABLE people (id int PRIMARY KEY, region int, team int, boss int REFERENCES people ON DELETE CASCADE, nick text UNIQUE, note text,
	FOREIGN KEY (region, team) REFERENCES teams ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE notes (id int PRIMARY KEY, person int NOT NULL REFERENCES people ON DELETE CASCADE, reply int REFERENCES notes ON DELETE SET NULL, body text);
CREATE TABLE badges (id int PRIMARY KEY, nick text REFERENCES people (nick) ON DELETE SET DEFAULT ON UPDATE CASCADE, region int, team int, UNIQUE (region, nick), FOREIGN KEY (region, team) REFERENCES teams ON DELETE RESTRICT);
CREATE TABLE keyless (person int REFERENCES people ON DELETE CASCADE, note int REFERENCES notes ON DELETE SET NULL, what text);
`;
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
	teams: ['region', 'no', 'title'],
	people: ['id', 'region', 'team', 'boss', 'nick', 'note'],
	notes: ['id', 'person', 'reply', 'body'],
	badges: ['id', 'nick', 'region', 'team'],
	keyless: ['person', 'note', 'what'],
};
const KEYS: Readonly<Record<string, number>> = { teams: 2, people: 1, notes: 1, badges: 1 };
const FOREIGN: readonly (readonly [child: string, columns: readonly string[], parent: string, parentColumns: readonly string[]])[] = [
	['people', ['region', 'team'], 'teams', ['region', 'no']],
	['people', ['boss'], 'people', ['id']],
	['notes', ['person'], 'people', ['id']],
	['notes', ['reply'], 'notes', ['id']],
	['badges', ['nick'], 'people', ['nick']],
	['badges', ['region', 'team'], 'teams', ['region', 'no']],
	['keyless', ['person'], 'people', ['id']],
	['keyless', ['note'], 'notes', ['id']],
];
const UNIQUE: readonly (readonly [table: string, columns: readonly string[]])[] = [
	['teams', ['title']],
	['people', ['nick']],
	['badges', ['region', 'nick']],
];

/** So many small worlds lie side by side in each database, with keys and texts of their own: looking at them costs hardly more than looking at one. */
const WORLDS = 40;
const number = fc.integer({ min: 1, max: 6 });
const half = fc.integer({ min: 1, max: 2 });
const maybe = (value: fc.Arbitrary<number>) => fc.option(value, { freq: 5, nil: null });
const text = fc.option(fc.constantFrom('a', 'b', 'c', "O'Neil\\", 'E\n\r\'; DROP TABLE teams; --', '$q$ ä😀 ""', ''), { freq: 6, nil: null });
const values = fc.record({ region: half, no: half, title: text, id: number, team: maybe(half), boss: maybe(number), nick: text, note: maybe(number), person: number, reply: maybe(number), body: text, what: text });
const tables = Object.keys(COLUMNS);
const operation = fc.record({ does: fc.constantFrom('insert' as const, 'insert' as const, 'update' as const, 'delete' as const), table: fc.constantFrom(...tables), values, key: values, wide: fc.integer({ min: 0, max: 11 }), column: fc.nat({ max: 5 }) });
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
const history = fc.array(operation, { maxLength: 14 });
const worlds = fc.array(fc.record({ early: history, incident: history, later: history }), { minLength: 1, maxLength: WORLDS, size: 'max' });
const base: Operation['values'] = { region: 1, no: 1, title: null, id: 1, team: 1, boss: null, nick: null, note: null, person: 1, reply: null, body: 'a', what: 'b' };
/** What every world begins with. */
const BASE: readonly Operation[] = (
	[
		['teams', { title: 'a' }],
		['teams', { no: 2, title: 'b' }],
		['teams', { region: 2 }],
		['people', { nick: 'a' }],
		['people', { id: 2, team: 2, boss: 1, nick: 'b' }],
		['people', { id: 3, region: 2, boss: 2 }],
		['people', { id: 4, team: null, boss: 1, nick: 'c' }],
		['notes', {}],
		['notes', { id: 2, person: 2, reply: 1 }],
		['notes', { id: 3, person: 3, reply: 2 }],
		['badges', { nick: 'a' }],
		['badges', { id: 2, nick: 'b', team: 2 }],
		['keyless', { person: 4, note: 3 }],
	] as const
).map(([table, more]) => ({ does: 'insert', table, values: { ...base, ...more }, key: base, wide: 1, column: 0 }));

const NUMBERS = ['region', 'id', 'boss', 'note', 'person', 'reply'];
const sqlOf = (world: number, name: string, value: string | number | null) => (value === null ? 'NULL' : typeof value === 'string' ? escapeLiteral(`${world}${value}`).trimStart() : String(NUMBERS.includes(name) ? world * 10 + value : value));
function statementOf(world: number, { does, table, values: given, key, wide, column }: Operation): string {
	const columns = COLUMNS[table]!;
	const of = (row: Operation['values'], name: string) => sqlOf(world, name, (row as Record<string, string | number | null>)[name] ?? null);
	// Now and then all rows of a table are hit.
	const where = wide === 0 ? `${columns[0]} / 10 = ${world}` : columns.slice(0, KEYS[table] ?? 1).map((name) => `${name} = ${of(key, name)}`).join(' AND ');
	if (does === 'delete') return `DELETE FROM ${table} WHERE ${where}`;
	const name = columns[column % columns.length]!;
	if (does === 'update') return `UPDATE ${table} SET ${name} = ${of(given, name)} WHERE ${where}`;
	return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((each) => of(given, each)).join(', ')})`;
}

type Rows = ReadonlyMap<string, readonly (string | null)[]>;
type Contents = Readonly<Record<string, Rows>>;
let server: PostgresServer;
let context: TestContext;
let root: string;
let round = 0;

beforeAll(async () => {
	[server, context] = await Promise.all([startPostgres(), testContext()]);
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-histories-'));
	await server.createDatabase('before');
	await server.query(SCHEMA, 'before');
	for (const name of ['wrecked', 'crm']) await server.query(`CREATE DATABASE ${name} TEMPLATE before`);
}, 60_000);
afterAll(async () => {
	await Promise.all([server?.stop(), context?.remove()]);
	await rm(root, { recursive: true, force: true });
});

const at = (database: string) => ({ connection: server.connection, database });
const asked = () => ({ before: at('before'), after: at('wrecked'), live: at('crm'), tables: [], patchFile: join(root, `${round++}.sql`), previewStatements: 0 });

/** What a rule forbids does not happen, on any of the databases. */
async function play(database: string, all: readonly (readonly Operation[])[]): Promise<void> {
	const statements = all.flatMap((operations, world) => [...BASE, ...operations].map((each) => escapeLiteral(statementOf(world + 1, each))));
	const body = `DECLARE each text; BEGIN FOREACH each IN ARRAY ARRAY[${statements.join(', ')}]::text[] LOOP BEGIN EXECUTE each; EXCEPTION WHEN integrity_constraint_violation THEN NULL; END; END LOOP; END`;
	await server.query(`SET client_min_messages = error; TRUNCATE ${tables.join(', ')}; DO ${escapeLiteral(body)}`, database);
}

async function contentsOf(database: string): Promise<Contents> {
	const selects = Object.entries(COLUMNS).map(([table, columns]) => `(SELECT json_agg(ARRAY[${columns.map((name) => `${name}::text`).join(', ')}] ORDER BY ${columns.join(', ')}) FROM ${table}) AS ${table}`);
	const [row] = await server.query<Record<string, (string | null)[][] | null>>(`SELECT ${selects.join(', ')}`, database);
	return Object.fromEntries(Object.entries(row!).map(([table, rows]) => [table, new Map((rows ?? []).map((each, index) => [JSON.stringify(KEYS[table] ? each.slice(0, KEYS[table]) : [index]), each]))]));
}

const pick = (table: string, row: readonly (string | null)[], names: readonly string[]) => names.map((name) => row[COLUMNS[table]!.indexOf(name)] ?? null);
const holds = (contents: Contents, table: string, names: readonly string[], wanted: readonly (string | null)[]) => [...contents[table]!].filter(([, row]) => JSON.stringify(pick(table, row, names)) === JSON.stringify(wanted));

/** Whether the database, as it is after the patch, really does not allow what was left out. */
function isJustified(kept: KeptRow, was: readonly (string | null)[] | undefined, now: readonly (string | null)[] | undefined, then: Contents): boolean {
	const table = kept.table.replace('public.', '');
	const key = JSON.stringify(kept.key);
	const concerned = (columns: readonly string[]) => columns.some((name) => kept.columns.includes(name));
	switch (kept.why) {
		case 'referredTo':
			return now !== undefined && FOREIGN.some(([child, columns, parent, parentColumns]) => parent === table && concerned(parentColumns) && !pick(table, now, parentColumns).includes(null) && holds(then, child, columns, pick(table, now, parentColumns)).length > 0);
		case 'parentGone':
			return FOREIGN.some(([child, columns, parent, parentColumns]) => {
				if (child !== table || !concerned(columns)) return false;
				const wanted = columns.map((name) => (kept.columns.includes(name) ? was : (now ?? was))![COLUMNS[table]!.indexOf(name)] ?? null);
				return !wanted.includes(null) && holds(then, parent, parentColumns, wanted).length === 0;
			});
		case 'valueTaken':
			return UNIQUE.some(([of, columns]) => {
				if (of !== table || !concerned(columns)) return false;
				const wanted = columns.map((name) => (kept.columns.includes(name) ? was : (now ?? was))![COLUMNS[table]!.indexOf(name)] ?? null);
				return holds(then, table, columns, wanted).some(([other]) => other !== key);
			});
		case 'changedSince':
		case 'deletedSince':
		case 'insertedAgain':
			return true;
	}
}

test('on random histories the patch brings back what can come back, touches nothing else, and lists and justifies the rest', async () => {
	await fc.assert(
		fc.asyncProperty(worlds, async (all) => {
			await Promise.all([
				play('before', all.map((world) => world.early)),
				play('wrecked', all.map((world) => [...world.early, ...world.incident])),
				play('crm', all.map((world) => [...world.early, ...world.incident, ...world.later])),
			]);
			const [before, wrecked, live] = await Promise.all(['before', 'wrecked', 'crm'].map(contentsOf));
			const options = asked();
			const result = await diffRows(options, context);
			if (result.patch) {
				const patch = { ...at('crm'), patchFile: options.patchFile, sha256: result.patch.sha256, confirmation: 'crm', dryRun: false, lockWaitSeconds: 5 };
				expect(await applyPatch(patch, context)).toMatchObject({ rows: result.patch.statements });
			}
			const then = await contentsOf('crm');
			expect([...then.keyless!]).toEqual([...live!.keyless!]);
			for (const table of Object.keys(KEYS)) {
				for (const key of new Set([before!, wrecked!, live!, then].flatMap((each) => [...each[table]!.keys()]))) {
					const [was, bad, is, now] = [before!, wrecked!, live!, then].map((each) => each[table]!.get(key));
					const decision = decideRow(was, bad, is);
					const wanted = decision.action === 'insert' ? was : decision.action === 'delete' ? undefined : decision.action === 'update' ? is!.map((value, column) => (decision.columns.includes(column) ? was![column]! : value)) : is;
					const kept = result.keptRows.filter((row) => row.table === `public.${table}` && JSON.stringify(row.key) === key);
					if (JSON.stringify(now) !== JSON.stringify(wanted) && result.keptRows.length < 100) {
						// What did not come back is as it was, and is listed.
						const columns = COLUMNS[table]!.filter((_, column) => now?.[column] !== wanted?.[column]);
						expect(now).toEqual(is === undefined || now === undefined ? is : wanted !== undefined ? wanted.map((value, column) => (now[column] === value ? value : is[column])) : is);
						expect(kept.flatMap((row) => row.columns)).toEqual(expect.arrayContaining(columns));
					}
					for (const row of kept) {
						expect({ row, was, bad, is, justified: isJustified(row, was, now, then) }).toMatchObject({ justified: true });
					}
				}
			}
			expect(await diffRows(asked(), context)).toMatchObject({ patch: null });
		}),
		{ numRuns: times(100, 5) },
	);
}, 900_000);
