import type { IDataObject } from 'n8n-workflow';
import type { VerifyResult } from '../../lib/jobs/results';
import { plainData } from '../shared/plain-data';

/** One item: what the check found, and the backup's summary with its new level. */
export function verificationItems({ backup, ...verification }: VerifyResult): IDataObject[] {
	return [{ verification: plainData(verification), backup: plainData(backup) }];
}
