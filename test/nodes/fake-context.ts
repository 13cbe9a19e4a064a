import {
	type IDataObject,
	type IExecuteFunctions,
	type ILoadOptionsFunctions,
	type INode,
	type INodeExecutionData,
	type INodeParameters,
	type INodeType,
	NodeHelpers,
	type NodeExecutionHint,
} from 'n8n-workflow';

export const postgresCredential = {
	host: 'db.example.com',
	port: 5433,
	user: 'backup',
	password: 'p@ss:w0rd "quoted"',
	database: 'postgres',
	tlsMode: 'prefer',
	ca: '',
	connectTimeout: 15,
	clientFolder: '',
};
export const redisCredential = {
	deployment: 'standalone',
	host: 'redis.example.com',
	port: 6380,
	user: '',
	password: 'r"p',
	tlsMode: 'disable',
	ca: '',
	connectTimeout: 15,
	idleTimeout: 60,
};
export const storeCredential = { type: 'folder', path: '/backups', prefix: 'crm' };
export const targetStoreCredential = { type: 'folder', path: '/mnt/second-disk', prefix: '' };

export interface FakeOptions {
	/** One set of parameters for each input item, as expressions would have resolved to. */
	readonly items: INodeParameters[];
	/** What the input items hold. */
	readonly input?: IDataObject[];
	readonly continueOnFail?: boolean;
	readonly signal?: AbortSignal;
	readonly blocked?: boolean;
	readonly credentials?: Record<string, IDataObject>;
	readonly timeZone?: string;
	/** Data of the optional "Backup Encryption" credential; left out: none is chosen. */
	readonly encryption?: IDataObject;
}

/** What a node did besides its output. */
export interface Observed {
	readonly hints: NodeExecutionHint[];
	readonly messages: string[];
}

/** An execution context as n8n's: defaults filled in from the description, resource locators opened, nothing executed. */
export function fakeContext(nodeType: INodeType, options: FakeOptions): { context: IExecuteFunctions; observed: Observed } {
	const observed: Observed = { hints: [], messages: [] };
	const node: INode = {
		id: '1',
		name: nodeType.description.displayName,
		type: `n8n-nodes-backup-recovery.${nodeType.description.name}`,
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
	};
	const filled = options.items.map((parameters) => filledIn(nodeType, node, parameters));
	const credentials: Record<string, IDataObject> = options.credentials ?? {
		backupPostgresApi: postgresCredential,
		backupRedisApi: redisCredential,
		backupStoreApi: storeCredential,
		backupTargetStoreApi: targetStoreCredential,
	};
	if (options.encryption) {
		credentials.backupEncryptionApi = options.encryption;
		node.credentials = { backupEncryptionApi: { id: 'k', name: 'Keys' } };
	}
	const context = {
		getNode: () => node,
		getInputData: (): INodeExecutionData[] => options.items.map((_, index) => ({ json: options.input?.[index] ?? {} })),
		getNodeParameter: (name: string, itemIndex: number, fallback?: unknown, read?: { extractValue?: boolean }) => {
			const value = filled[itemIndex]?.[name];
			if (value === undefined) return fallback;
			return read?.extractValue === true && typeof value === 'object' && value !== null ? (value as IDataObject).value : value;
		},
		getCredentials: async (type: string) => credentials[type],
		getExecutionCancelSignal: () => options.signal,
		continueOnFail: () => options.continueOnFail ?? false,
		getTimezone: () => options.timeZone ?? 'UTC',
		sendMessageToUI: (message: string) => observed.messages.push(message),
		addExecutionHints: (...hints: NodeExecutionHint[]) => observed.hints.push(...hints),
		helpers: {
			resolvePath: async (path: string) => path,
			isFilePathBlocked: () => options.blocked ?? false,
		},
	};
	return { context: context as unknown as IExecuteFunctions, observed };
}

/** The context of a drop-down. */
export function fakeLookupContext(current: Record<string, unknown> = {}): ILoadOptionsFunctions {
	const context = {
		getNode: () => ({ id: '1', name: 'Node', type: 'x', typeVersion: 1, position: [0, 0], parameters: {} }),
		getCredentials: async (type: string) => (type === 'backupPostgresApi' ? postgresCredential : storeCredential),
		getCurrentNodeParameter: (name: string) => current[name],
	};
	return context as unknown as ILoadOptionsFunctions;
}

function filledIn(nodeType: INodeType, node: INode, parameters: INodeParameters): INodeParameters {
	const { description } = nodeType;
	return NodeHelpers.getNodeParameters(description.properties, parameters, true, false, node, description) ?? {};
}
