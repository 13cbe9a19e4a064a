import type { IDataObject } from 'n8n-workflow';

/** A job's result as the JSON of an item: the same data, with nothing that JSON cannot hold. */
export function plainData(value: object): IDataObject {
	return JSON.parse(JSON.stringify(value)) as IDataObject;
}
