import { createHash } from 'node:crypto';

/** Where a folder of the store keeps the object of one schedule: ids may hold anything, so their hash is the name. */
export function scheduleKey(folder: string, id: string): string {
	return `${folder}${createHash('sha256').update(id).digest('hex').slice(0, 16)}.json`;
}
