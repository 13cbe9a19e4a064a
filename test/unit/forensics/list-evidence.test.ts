import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EvidenceFile, listEvidence } from '../../../lib/forensics/list-evidence';
import { NEVER } from '../../support/backup-fixtures';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'evidence-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function all(files: AsyncIterable<EvidenceFile>): Promise<EvidenceFile[]> {
	const found: EvidenceFile[] = [];
	for await (const file of files) found.push(file);
	return found;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('a name that is no UTF-8 is listed with its bytes and its hash, and so is everything beside it', async () => {
	const strange = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from('.txt')]);
	writeFileSync(strange, 'latin');
	const strangeFolder = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]);
	mkdirSync(strangeFolder);
	writeFileSync(Buffer.concat([strangeFolder, Buffer.from('/inside')]), 'inside');
	writeFileSync(join(folder, 'plain'), 'plain');
	mkdirSync(join(folder, 'deeper'));
	writeFileSync(join(folder, 'deeper', 'é.txt'), 'utf8');
	symlinkSync('/etc/passwd', join(folder, 'link'));
	const warnings: string[] = [];
	const found = await all(listEvidence(folder, warnings, NEVER));
	expect(warnings).toEqual([]);
	expect(found.map(({ sha256: hash }) => hash).sort()).toEqual(['latin', 'inside', 'plain', 'utf8'].map(sha256).sort());
	expect(found.find(({ sha256: hash }) => hash === sha256('latin'))).toMatchObject({ path: `${folder}/caf\uFFFD.txt`, pathBytes: strange.toString('base64'), bytes: 5 });
	expect(found.find(({ sha256: hash }) => hash === sha256('utf8'))).not.toHaveProperty('pathBytes');
});

test('a file that vanishes between the listing and the reading costs itself alone, and is named', async () => {
	for (let n = 0; n < 10; n++) writeFileSync(join(folder, `file ${n}`), `${n}`);
	const warnings: string[] = [];
	const found: EvidenceFile[] = [];
	let vanished: string | undefined;
	for await (const file of listEvidence(folder, warnings, NEVER)) {
		found.push(file);
		if (vanished === undefined) {
			vanished = file.path.endsWith('file 7') ? 'file 8' : 'file 7';
			unlinkSync(join(folder, vanished));
		}
	}
	expect(found).toHaveLength(10);
	expect(found.filter(({ sha256: hash }) => hash === null)).toEqual([{ path: join(folder, vanished!), bytes: null, modifiedAt: null, changedAt: null, mode: null, owner: null, sha256: null }]);
	expect(warnings).toEqual([expect.stringContaining(`${vanished!}: ENOENT`)]);
});

test('a folder that is not there is a warning, not the end', async () => {
	const warnings: string[] = [];
	expect(await all(listEvidence(join(folder, 'nowhere'), warnings, NEVER))).toEqual([]);
	expect(warnings).toEqual([expect.stringContaining('nowhere: ENOENT')]);
});
