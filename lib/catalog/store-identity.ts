import { z } from 'zod';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { STORE_IDENTITY_KEY } from './layout';
import { readSmallObject, writeSmallObject } from './small-object';

/** `status/store.json`: which store this is, also after its folder or bucket got another name. */
const storeIdentitySchema = z.looseObject({ formatVersion: z.literal(1), id: z.string().regex(/^[0-9a-f]{32}$/) });

/**
 * The store's id, made at random where it has none. The caller holds a lock, so that two do not make one each.
 * @throws BackupError `MANIFEST_INVALID` when the record cannot be read: a new id would cut the store off from what was logged under the old one
 */
export async function identifyStore(store: Store, context: Pick<JobContext, 'randomBytes' | 'signal'>): Promise<string> {
	const text = await readSmallObject(store, STORE_IDENTITY_KEY, context.signal);
	if (text === undefined) {
		const id = context.randomBytes(16).toString('hex');
		await writeSmallObject(store, STORE_IDENTITY_KEY, { formatVersion: 1, id }, { signal: context.signal });
		return id;
	}
	const parsed = parse(text);
	if (parsed) return parsed.id;
	throw new BackupError('MANIFEST_INVALID', `${STORE_IDENTITY_KEY} in the store (${store.description}) cannot be read.`, 'Bring it back from a copy of the store; or delete it, and run Rebuild Log, which takes over what was logged of the store.');
}

function parse(text: string): z.infer<typeof storeIdentitySchema> | undefined {
	try {
		return storeIdentitySchema.safeParse(JSON.parse(text)).data;
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
