import { createCipheriv, createHash } from 'node:crypto';
import { link, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The folders of a CRM that live beside its database. */
export interface CrmFolders {
	readonly uploads: string;
	readonly config: string;
	readonly logs: string;
}

/** SQL that yields the upload of each row of `attachments`, relative to the uploads folder; for a cross check. */
export const CRM_UPLOADS_SQL = `SELECT 'contracts/' || "File Name" FROM attachments`;

/** As many contracts as `createCrmDatabase` makes rows of attachments at scale 1. */
const CONTRACTS = 300;
const MONTH = Date.UTC(2026, 9, 1);

/**
 * Fills `folder` with what a small company has beside its database: contracts that the attachments of the CRM name, avatars, one large
 * recording, thumbnails by the hundred, configuration with secrets, logs. The same content and times each time; about 40 MB.
 */
export async function createCrmFiles(folder: string, scale = 1): Promise<CrmFolders> {
	const folders = { uploads: join(folder, 'uploads'), config: join(folder, 'config'), logs: join(folder, 'logs') };
	const put = async (path: string, content: Buffer | string, mode = 0o640) => {
		await mkdir(dirname(path), { recursive: true });
		await writeFile(path, content, { mode });
		const modified = new Date(MONTH + content.length * 1000);
		await utimes(path, modified, modified);
	};
	const { uploads, config, logs } = folders;
	for (let i = 1; i <= CONTRACTS * scale; i++) await put(join(uploads, 'contracts', `contract ${i}.pdf`), noise(`contract ${i}`, 20_000 + (i % 50) * 1000));
	for (let i = 1; i <= 600 * scale; i++) await put(join(uploads, 'thumbnails', String(i % 10), `${i}.webp`), noise(`thumbnail ${i}`, 500 + (i % 90) * 20));
	for (const name of ['João.jpg', 'Zoë & Åsa.png', '日本.webp']) await put(join(uploads, 'avatars', name), noise(name, 30_000));
	await put(join(uploads, 'recordings', 'kick-off.mp4'), noise('kick-off', Math.round(24_000_000 * scale)));
	await put(join(uploads, 'empty.txt'), '');
	await mkdir(join(uploads, 'empty folder'), { recursive: true });
	await link(join(uploads, 'contracts', 'contract 1.pdf'), join(uploads, 'contracts', 'signed today.pdf'));
	await symlink('contracts/contract 2.pdf', join(uploads, 'latest contract.pdf'));

	await put(join(config, '.env.local'), 'DATABASE_URL=postgres://crm:not-a-real-secret@db/crm\nREDIS_URL=redis://redis:6379\n', 0o600);
	await put(join(config, 'nginx', 'crm.conf'), 'server { listen 443 ssl; server_name crm.example.com; }\n');
	await put(join(config, 'features.json'), JSON.stringify({ reports: true, beta: false }));
	for (const day of ['01', '02', '03']) await put(join(logs, `app-2026-11-${day}.log`), logLines(day, Math.round(20_000 * scale)));
	return folders;
}

/** Bytes that look random and do not compress, the same for the same name. */
function noise(name: string, bytes: number): Buffer {
	const key = createHash('sha256').update(name).digest();
	return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

function logLines(day: string, lines: number): string {
	const line = (i: number) => `2026-11-${day}T${String(i % 24).padStart(2, '0')}:00:00Z info request ${i} answered in ${i % 300} ms\n`;
	return Array.from({ length: lines }, (_, i) => line(i)).join('');
}
