import { NodeOperationError } from 'n8n-workflow';
import { plainWords } from '../../nodes/shared/plain-words';

const node = { id: '1', name: 'Say What Failed', type: 'n8n-nodes-base.stopAndError', typeVersion: 1, position: [0, 0] as [number, number], parameters: {} };

test.each([
	'Redis at db:6379 cannot be reached while taking a snapshot (ECONNREFUSED).',
	'The connection to db:5432 failed: getaddrinfo ENOTFOUND db',
	'The folder /backups cannot be reached (ENOENT).',
	'connect ETIMEDOUT 10.0.0.1:5432, then EACCES, EPERM, EISDIR, ENOTDIR, EEXIST',
])('n8n leaves the words for %j as they are', (message) => {
	expect(new NodeOperationError(node, message).message).not.toBe(message);
	expect(new NodeOperationError(node, plainWords(message)).message).toBe(plainWords(message));
});

test('other words stay', () => {
	expect(plainWords('PERMISSION_DENIED: the role "reader" may not read "people"')).toBe('PERMISSION_DENIED: the role "reader" may not read "people"');
});
