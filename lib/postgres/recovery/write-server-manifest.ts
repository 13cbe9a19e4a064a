import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { JobContext } from '../../core/context';
import type { ManifestFacts } from '../basebackup/server-manifest';
import type { DataFolder } from './data-folder';

/** Lines are written in pieces of about this many characters. */
const PIECE = 256 * 1024;

/**
 * Writes a `backup_manifest` (https://www.postgresql.org/docs/current/backup-manifest-format.html) of what lies in a data directory, so that
 * `pg_verifybackup` can check it. Files whose blocks come from several backups are read again for their checksum.
 * @param facts those of the manifest of the backup itself
 * @param endedAt when the backup ended, which stands there as the time of each file
 */
export async function writeServerManifest(folder: DataFolder, facts: ManifestFacts, endedAt: string, { signal, progress }: Pick<JobContext, 'signal' | 'progress'>): Promise<void> {
	const changedAt = `${endedAt.slice(0, 10)} ${endedAt.slice(11, 19)} GMT`;
	const hash = createHash('sha256');
	const handle = await open(folder.place('backup_manifest'), 'wx', 0o600);
	let text = `{ "PostgreSQL-Backup-Manifest-Version": ${facts.version},\n${facts.systemIdentifier === undefined ? '' : `"System-Identifier": ${facts.systemIdentifier},\n`}"Files": [`;
	const flush = async () => {
		hash.update(text);
		await handle.writeFile(text);
		text = '';
	};
	try {
		let first = true;
		let done = 0;
		for (const [path, { bytes, sha256 }] of folder.files) {
			progress({ step: 'Writing the manifest', done: done++, total: folder.files.size, unit: 'files' });
			// WAL is not listed: it is checked by itself.
			if (path.startsWith('pg_wal/')) continue;
			const checksum = sha256 ?? (await digest(folder.place(path), signal));
			text += `${first ? '' : ','}\n{ "Path": ${JSON.stringify(path)}, "Size": ${bytes}, "Last-Modified": "${changedAt}", "Checksum-Algorithm": "SHA256", "Checksum": "${checksum}" }`;
			first = false;
			if (text.length > PIECE) await flush();
		}
		const ranges = facts.walRanges.map(({ timeline, startLsn, endLsn }) => `{ "Timeline": ${timeline}, "Start-LSN": "${startLsn}", "End-LSN": "${endLsn}" }`);
		text += `\n],\n"WAL-Ranges": [\n${ranges.join(',\n')}\n],\n`;
		await flush();
		await handle.writeFile(`"Manifest-Checksum": "${hash.digest('hex')}"}\n`);
	} finally {
		await handle.close();
	}
}

async function digest(path: string, signal: AbortSignal): Promise<string> {
	const hash = createHash('sha256');
	await pipeline(createReadStream(path, { highWaterMark: PIECE }), hash, { signal });
	return hash.digest('hex');
}
