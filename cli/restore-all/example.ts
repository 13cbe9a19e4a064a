import type { RecoveryPointSummary } from '../../lib/jobs/results';

const PASSWORD = { fromFile: '/root/.db-password' };

/** A targets file for this recovery point, to be edited: where each member may go. */
export function exampleTargets({ members }: Pick<RecoveryPointSummary, 'members'>): Record<string, unknown> {
	const sources = (component: string) => members.filter((member) => member.component === component).map(({ source }) => source);
	const folders = (component: string) => sources(component).map((source) => ({ source, folder: source.startsWith('/') ? source : `/restored/${component}` }));
	const databases = members.filter(({ component, kind }) => component === 'postgres' && kind === 'full').map(({ source }) => [source, source]);
	return {
		...(databases.length > 0 && { postgres: { connection: { host: 'localhost', port: 5432, user: 'postgres', password: PASSWORD }, databases: Object.fromEntries(databases) as unknown } }),
		...withEntries('redis', sources('redis').map((source) => ({ source, connection: { deployment: { mode: 'standalone', host: 'localhost', port: 6379 }, password: { fromFile: '/root/.redis-password' } } }))),
		...withEntries('files', folders('files')),
		...withEntries('config', folders('config')),
		...withEntries('logs', folders('logs')),
		...withEntries('n8n', sources('n8n').map((source) => ({ source, dataFolder: '/home/node/.n8n' }))),
		leaveOut: [],
	};
}

function withEntries(name: string, entries: readonly unknown[]): Record<string, unknown> {
	return entries.length === 0 ? {} : { [name]: entries };
}
