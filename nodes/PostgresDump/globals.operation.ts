import { backupItems, warningHints } from '../shared/backup-items';
import type { Operation } from '../shared/operation';
import { allowUnencryptedField, compressionField, lockWaitField, noteField, optionsCollection, timeoutField } from '../shared/option-fields';
import { dumpCommon } from './dump-common';

/** What belongs to the server and not to one database: roles, memberships, tablespaces and their settings. */
export const globalsOperation: Operation<'postgres.dumpGlobals'> = {
	properties: [
		optionsCollection(
			['globals'],
			[
				allowUnencryptedField,
				compressionField,
				noteField,
				{
					displayName: 'Role Passwords',
					name: 'rolePasswords',
					type: 'boolean',
					default: true,
					description:
						"Whether to include the roles' password hashes, which needs a superuser. Without them the roles come back without a password.",
				},
				timeoutField,
				lockWaitField,
			],
		),
	],

	async job(input) {
		return {
			kind: 'postgres.dumpGlobals',
			...(await dumpCommon(input)),
			allowUnencrypted: input.parameters.collection('options').flag('allowUnencrypted', 'Allow Unencrypted'),
			rolePasswords: input.parameters.collection('options').flag('rolePasswords', 'Role Passwords'),
		};
	},
	items: backupItems,
	hints: warningHints,
};
