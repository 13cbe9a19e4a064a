import type { IDataObject, NodeExecutionHint } from 'n8n-workflow';
import type { BackupResult } from '../../lib/jobs/results';
import { plainData } from './plain-data';

/** One item: the new backup's summary. */
export function backupItems({ backup }: BackupResult): IDataObject[] {
	return [{ backup: plainData(backup) }];
}

/** The backup's warnings, above the output. */
export function warningHints({ backup }: BackupResult): NodeExecutionHint[] {
	return backup.warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' }));
}
