import { fchmodSync, fchownSync, futimesSync } from 'node:fs';
import { chmod, chown, lchown, lutimes, utimes } from 'node:fs/promises';
import { floatSeconds } from '../file-time';
import type { IndexEntry } from '../index-entry';
import type { OwnerNames } from '../owner-names';
import type { OwnerPolicy } from './options';

/** Sets owner, mode and times of what was restored, as far as the user who runs the job may. */
export class Attributes {
	/** How many things belong to the job's user because only root may give files away. */
	ownersNotSet = 0;

	constructor(
		private readonly policy: OwnerPolicy,
		private readonly names: OwnerNames,
		private readonly uid: number,
		private readonly gid: number,
	) {}

	/** Of an open file. The owner first: changing it clears the set-user-id bit. */
	async ofFile(fd: number, entry: IndexEntry): Promise<void> {
		const owned = await this.giveAway(entry, (uid, gid) => fchownSync(fd, uid, gid));
		fchmodSync(fd, this.mode(entry, owned));
		futimesSync(fd, floatSeconds(entry.mtime), floatSeconds(entry.mtime));
	}

	/** Of a folder, or of a file that is there already. */
	async ofPath(place: string | Buffer, entry: IndexEntry): Promise<void> {
		const owned = await this.giveAway(entry, (uid, gid) => chown(place, uid, gid));
		await chmod(place, this.mode(entry, owned));
		await utimes(place, floatSeconds(entry.mtime), floatSeconds(entry.mtime));
	}

	async ofSymlink(place: string | Buffer, entry: IndexEntry): Promise<void> {
		await this.giveAway(entry, (uid, gid) => lchown(place, uid, gid));
		await lutimes(place, floatSeconds(entry.mtime), floatSeconds(entry.mtime));
	}

	/** The owner that the policy asks for. */
	wanted(entry: IndexEntry): { uid: number; gid: number } {
		switch (this.policy) {
			case 'none':
				return { uid: this.uid, gid: this.gid };
			case 'numbers':
				return { uid: entry.uid, gid: entry.gid };
			case 'names':
				return {
					uid: (entry.user === undefined ? undefined : this.names.uid(entry.user)) ?? entry.uid,
					gid: (entry.group === undefined ? undefined : this.names.gid(entry.group)) ?? entry.gid,
				};
		}
	}

	/** A program that runs as its owner must not run as somebody else. */
	mode(entry: IndexEntry, owned: boolean): number {
		return owned ? entry.mode : entry.mode & 0o1777;
	}

	private async giveAway(entry: IndexEntry, change: (uid: number, gid: number) => Promise<void> | void): Promise<boolean> {
		const { uid, gid } = this.wanted(entry);
		if (this.policy === 'none') return uid === entry.uid;
		try {
			await change(uid, gid);
			return true;
		} catch (error) {
			const code = (error as NodeJS.ErrnoException).code;
			if (code !== 'EPERM' && code !== 'EINVAL') throw error;
			this.ownersNotSet += 1;
			return false;
		}
	}
}
