import { type IDataObject, type INodeTypes, type IRunExecutionData, createRunExecutionData, Workflow } from 'n8n-workflow';
import { workflowFiles } from './workflow-files';

/** What nodes gave before: the JSON of their items. */
export type Given = Readonly<Record<string, readonly IDataObject[]>>;

/** n8n asks for the types of nodes; expressions need none. */
const noTypes = { getByName: () => undefined, getByNameAndVersion: () => undefined, getKnownTypes: () => ({}) } as unknown as INodeTypes;

/** Evaluates an expression of a shipped workflow as n8n would in that node, `$json` being the first item of `input`. */
export function evaluate(file: string, node: string, expression: string, given: Given, input: IDataObject = {}): unknown {
	const found = workflowFiles.find((each) => each.file === file);
	if (!found) throw new Error(`There is no workflow ${file}.`);
	const { workflow: json } = found;
	const workflow = new Workflow({ id: json.id, name: json.name, nodes: json.nodes, connections: json.connections, active: false, nodeTypes: noTypes, settings: json.settings });
	const runData = Object.fromEntries(Object.entries(given).map(([name, items]) => [name, [{ startTime: 0, executionIndex: 0, executionTime: 0, source: [], data: { main: [items.map((each) => ({ json: each }))] } }]]));
	const execution: IRunExecutionData = createRunExecutionData({ resultData: { runData } });
	return workflow.expression.resolveSimpleParameterValue(expression, {}, execution, 0, 0, node, [{ json: input }], 'trigger', { $execution: { id: '7', mode: 'production', resumeUrl: '', resumeFormUrl: '' } });
}

/** The value of a field that a Set node makes. */
export function assigned(file: string, node: string, field: string, given: Given, input?: IDataObject): unknown {
	const parameters = workflowFiles.find((each) => each.file === file)?.workflow.nodes.find(({ name }) => name === node)?.parameters as { assignments?: { assignments: { name: string; value: string }[] } } | undefined;
	const value = parameters?.assignments?.assignments.find(({ name }) => name === field)?.value;
	if (value === undefined) throw new Error(`${file}: the node ${node} makes no field ${field}.`);
	return evaluate(file, node, value, given, input);
}
