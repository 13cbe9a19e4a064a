import { type INode, NodeOperationError } from 'n8n-workflow';
import type { BackupError } from '../../lib/core/errors';

/**
 * Turns a job's error into the one that n8n shows: the message as it is, the hint (what to do next) and the code as description.
 * Both are free of secrets.
 */
export function nodeError(node: INode, error: BackupError, itemIndex?: number): NodeOperationError {
	const description = `${error.hint} (Code: ${error.code})`;
	const result = new NodeOperationError(node, error, { message: error.message, description, itemIndex, level: 'warning' });
	// n8n replaces messages in which it finds words like ECONNREFUSED; ours already says it better.
	result.message = error.message;
	return result;
}
