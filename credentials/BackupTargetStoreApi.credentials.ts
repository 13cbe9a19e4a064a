import type { Icon, ICredentialType, INodeProperties } from 'n8n-workflow';
import { BackupStoreApi } from './BackupStoreApi.credentials';

/** A second store for one node: n8n gives a node one credential of each type, and a copy goes from one store to another. */
export class BackupTargetStoreApi implements ICredentialType {
	name = 'backupTargetStoreApi';

	displayName = 'Backup Target Store API';

	icon: Icon = { light: 'file:backupStore.svg', dark: 'file:backupStore.dark.svg' };

	documentationUrl = 'https://docs.n8n.io/hosting/configuration/environment-variables/security/';

	properties: INodeProperties[] = new BackupStoreApi().properties;
}
