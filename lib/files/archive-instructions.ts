import { decodeCommand, keyInstructions } from '../backup/decode-command';
import type { Artifact, Manifest } from '../catalog/manifest';

/** The text of RESTORE.txt for an archive of files. */
export function archiveInstructions(backup: {
	readonly id: string;
	readonly folder: string;
	readonly archive: Artifact;
	readonly index: Artifact;
	readonly deleted: Artifact | undefined;
	/** What this backup needs, the full one first; empty for a full one. */
	readonly chain: readonly Pick<Manifest, 'id'>[];
}): string {
	const { archive, index, deleted, chain } = backup;
	const artifacts = [archive, index, ...(deleted ? [deleted] : [])];
	return `${[
		`Backup ${backup.id}: the files of ${backup.folder}`,
		chain.length === 0 ? 'It is a full one and needs no other.' : `It holds what changed since ${chain.at(-1)?.id}.`,
		'',
		`Needs: zstd, ${archive.encryption ? 'age, ' : ''}and tar (GNU tar or bsdtar). Restore as root to get owners back.`,
		'Restore into an empty folder beside the live one (here /restored) and look at it before you put anything in its place.',
		'',
		...keyInstructions(artifacts),
		...(chain.length === 0
			? []
			: [
					'0. Restore these first, each in this order, into the same folder, as its own RESTORE.txt says:',
					'',
					...chain.map(({ id }) => `   ${id}`),
					'',
				]),
		'1. Check the files.',
		'',
		'```sh',
		...artifacts.map(({ storedSha256, name }) => `echo "${storedSha256}  ${name}" | sha256sum -c`),
		'```',
		'',
		...(deleted
			? [
					'2. Remove what had been deleted since, then unpack what had changed. In the folder /restored:',
					'',
					'```sh',
					`${decodeCommand(deleted)} | (cd /restored && xargs -0 -r rm -rf --)`,
					`${decodeCommand(archive)} | tar -x -p -C /restored`,
					'```',
					'',
					'Files of which only mode, owner or times changed are not in the archive; the index has their new values.',
				]
			: ['2. Unpack.', '', '```sh', `mkdir -p /restored && ${decodeCommand(archive)} | tar -x -p -C /restored`, '```']),
		'',
		'3. The index lists every file with its SHA-256, one line of JSON each. To compare (needs jq):',
		'',
		'```sh',
		`${decodeCommand(index)} | jq -r 'select(.type == "file" and .path != null) | "\\(.sha256)  \\(.path)"' > /tmp/SHA256SUMS`,
		'(cd /restored && sha256sum -c --quiet /tmp/SHA256SUMS)',
		'```',
	].join('\n')}\n`;
}
