import { shellQuoted } from './store-arguments';

/** What the steps of a kit tell. */
export interface KitFacts {
	readonly title: string;
	/** When the kit was made, ISO 8601. */
	readonly madeAt: string;
	readonly version: string;
	/** Where the backups are, in words without secrets. */
	readonly store: string;
	readonly storeArguments: readonly string[];
	/** Files of the kit that hold keys of the store. */
	readonly hasStoreKeys: boolean;
	/** The store is a bucket. */
	readonly bucket: boolean;
	/** The newest recovery point when it was made; null: there was none. */
	readonly recoveryPoint: { readonly id: string; readonly state: string } | null;
	/** Public keys to which the backups of that recovery point are encrypted; whose they are, people must know. */
	readonly backupRecipients: readonly string[];
	readonly passphraseNeeded: boolean;
	/** Contacts, where the identity is kept, and whatever else was written by hand. */
	readonly notes: string;
}

export interface Step {
	readonly title: string;
	readonly text: string;
	readonly commands: readonly string[];
}

/** What a person does with the kit, in order, on a machine with nothing but Node. */
export function kitSteps(facts: KitFacts): Step[] {
	const command = (...words: string[]) => typeable(['node', 'backup-recovery.cjs', ...words]);
	const store = facts.storeArguments;
	const key = facts.passphraseNeeded ? ['--passphrase-file', 'passphrase.txt'] : ['--identity-file', 'identity.txt'];
	const keys = facts.hasStoreKeys
		? { text: 'The keys of the store are in this kit.', commands: ['set -a; . ./store-keys.env; set +a'] }
		: facts.bucket
			? { text: 'The keys of the store are not in this kit: take them from where your team keeps them.', commands: ['export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...'] }
			: { text: 'The store is a folder: attach the disk or mount the share under that path, or name another path after --store.', commands: [] };
	return [
		{ title: 'Stop the harm', text: 'Cut the broken or attacked machine off from the network. Delete nothing on it. Do not pay a ransom.', commands: [] },
		{ title: 'Take a clean machine', text: 'It needs Node 22.16 or newer, PostgreSQL with its client programs (of the old server\'s version or newer), Redis, and room for the data. Copy this folder to it.', commands: ['sha256sum --check SHA256SUMS', 'node --version'] },
		{ title: 'Reach the store', text: `The backups are in ${facts.store}. ${keys.text}`, commands: [...keys.commands, command('recovery-points', ...store)] },
		{
			title: 'Bring the key that opens the backups',
			text: facts.passphraseNeeded
				? 'Write the passphrase into the file passphrase.txt (chmod 600).'
				: facts.backupRecipients.length === 0
					? 'The backups were not encrypted when this kit was made; leave --identity-file out below.'
					: `Write the secret key (AGE-SECRET-KEY-1...) into the file identity.txt (chmod 600). Any one of the secret keys that belong to these public keys opens them: ${facts.backupRecipients.join(', ')}.`,
			commands: [],
		},
		{ title: 'Say where everything goes', text: 'Edit targets.json: servers, databases, folders. Passwords stay in files of their own. Every place must be empty. The first command prints the file anew for the newest recovery point.', commands: [command('restore-all', ...store, '--example'), 'editor targets.json'] },
		{ title: 'Look at the plan', text: 'Nothing is changed yet. It names the recovery point, says which newer ones it passed over and why, and ends with the words that you must type to go on. After an attack do not take the newest: what was backed up since holds the encrypted files. Choose one of before from the list above, and add --point and its ID here.', commands: [command('restore-all', ...store, ...key, '--targets', 'targets.json')] },
		{ title: 'Restore', text: 'With the ID that the plan named in the place of POINT-ID. When it is interrupted, type the same again: it goes on where it stopped.', commands: [command('restore-all', ...store, ...key, '--targets', 'targets.json', '--confirm', 'POINT-ID')] },
		{ title: 'Start, look, tell', text: 'Start the application and log in. Then point DNS to the new machine, tell the users from which moment on data is missing, and make a full backup at once.', commands: [] },
	];
}

/** The steps as plain text. */
export function stepsText(facts: KitFacts): string {
	const steps = kitSteps(facts).map(({ title, text, commands }, at) => [`${at + 1}. ${title}`, `   ${text}`, ...commands.flatMap((lines) => lines.split('\n')).map((line) => `       ${line}`)].join('\n'));
	return `${[headline(facts), ...steps, ...(facts.notes === '' ? [] : [`Contacts and notes\n\n${facts.notes}`])].join('\n\n')}\n`;
}

/** What stands above the steps. */
export function headline({ title, madeAt, version, recoveryPoint }: KitFacts): string {
	const newest = recoveryPoint === null ? 'There was no recovery point when it was made.' : `Newest recovery point then: ${recoveryPoint.id}. ${recoveryPoint.state}`;
	return `${title}\nBreak-glass kit of ${madeAt}, n8n-nodes-backup-recovery ${version}.\n${newest}`;
}

const LONGEST_LINE = 76;

/** A command over as many lines as a page is wide for, as a shell takes them; no option is torn from its value or in two. */
function typeable(words: readonly string[]): string {
	const lines: string[] = [];
	for (const [at, word] of words.entries()) {
		const quoted = shellQuoted(word);
		const last = lines.at(-1);
		const value = at > 0 && words[at - 1]?.startsWith('--') === true && !word.startsWith('--');
		const next = words[at + 1];
		const whole = word.startsWith('--') && next !== undefined && !next.startsWith('--') ? `${quoted} ${shellQuoted(next)}` : quoted;
		if (last === undefined || (!value && last.length + whole.length + 3 > LONGEST_LINE)) lines.push(last === undefined ? quoted : `    ${quoted}`);
		else lines[lines.length - 1] = `${last} ${quoted}`;
	}
	return lines.join(' \\\n');
}
