import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tarFolder, tarHeader } from '../../../lib/postgres/tar-folder';

it('stock tar unpacks what was packed', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-tar-'));
	const files = {
		'toc.dat': Buffer.alloc(0),
		'1.dat': Buffer.from('x'),
		'2.dat': Buffer.alloc(512, 7),
		'3.dat': Buffer.alloc(3_000_001, 9),
	};
	await mkdir(join(folder, 'in'));
	await mkdir(join(folder, 'out'));
	for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, 'in', name), bytes);
	const parts: Buffer[] = [];
	for await (const part of tarFolder(join(folder, 'in'))) parts.push(part);
	execFileSync('tar', ['-x', '-C', join(folder, 'out')], { input: Buffer.concat(parts) });
	for (const [name, bytes] of Object.entries(files))
		expect(Buffer.compare(await readFile(join(folder, 'out', name)), bytes)).toBe(0);
	await rm(folder, { recursive: true });
});

it.each([0, 511, 8 ** 11 - 1, 8 ** 11, 20 * 1024 ** 4])('stock tar reads the size %d', (size) => {
	let listing = '';
	try {
		listing = execFileSync('tar', ['-tv'], { input: tarHeader('1.dat', size), stdio: ['pipe', 'pipe', 'ignore'] }).toString();
	} catch (error) {
		// The contents are not there: tar lists the name and then complains.
		listing = String((error as { stdout: Buffer }).stdout);
	}
	expect(listing).toMatch(new RegExp(`^-rw------- 0/0\\s+${size} 1970-01-01 \\S+ 1\\.dat`));
});
