/** The parts of an error of the SDK or of the network that are looked at; both come without a common class. */
export interface S3Failure {
	readonly name: string;
	readonly message: string;
	/** Of errors of the network and of TLS, e.g. `ECONNRESET`. */
	readonly code: string;
	readonly status: number;
	/** The region in which the bucket is, where the answer tells. */
	readonly bucketRegion: string;
}

/** What can be known of an error that a request ended with. */
export function readFailure(error: unknown): S3Failure {
	const thrown = (error ?? {}) as {
		readonly name?: unknown;
		readonly message?: unknown;
		readonly code?: unknown;
		readonly $metadata?: { readonly httpStatusCode?: unknown };
		readonly $response?: { readonly statusCode?: unknown; readonly headers?: Readonly<Record<string, unknown>> };
	};
	const text = (value: unknown) => (typeof value === 'string' ? value : '');
	const status = thrown.$metadata?.httpStatusCode ?? thrown.$response?.statusCode;
	return {
		name: text(thrown.name),
		// What the SDK says where the service says nothing.
		message: thrown.message === 'UnknownError' ? '' : text(thrown.message),
		code: text(thrown.code),
		status: typeof status === 'number' ? status : 0,
		bucketRegion: text(thrown.$response?.headers?.['x-amz-bucket-region']),
	};
}

const TRANSIENT_STATUS = new Set([408, 429, 500, 502, 503, 504]);

/** Answers with another status that say: try again. The digests mean that bytes changed on their way. */
const TRANSIENT_NAMES = new Set([
	'RequestTimeout',
	'RequestTimeTooSkewed',
	'SlowDown',
	'Throttling',
	'ThrottlingException',
	'TooManyRequests',
	'OperationAborted',
	'ConditionalRequestConflict',
	'IncompleteBody',
	'BadDigest',
	'XAmzContentSHA256Mismatch',
	'TimeoutError',
]);

const TRANSIENT_CODES = new Set(['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'HPE_INVALID_CONSTANT']);

/** Whether the same request may well succeed a moment later. */
export function isTransient(error: unknown): boolean {
	const { name, code, status, message } = readFailure(error);
	if (TRANSIENT_NAMES.has(name) || TRANSIENT_CODES.has(code)) return true;
	// Node's words for an answer that breaks off.
	if (code === '' && status === 0 && (message === 'aborted' || message.includes('socket hang up'))) return true;
	return TRANSIENT_STATUS.has(status) && name !== 'NotImplemented';
}

/** Whether there is no such object. A bucket that is not there is another matter, but an answer without a body cannot tell. */
export function isNotFound(error: unknown): boolean {
	const { name, status } = readFailure(error);
	return name === 'NoSuchKey' || name === 'NotFound' || (status === 404 && name !== 'NoSuchBucket' && name !== 'NoSuchUpload');
}

export function isNoSuchUpload(error: unknown): boolean {
	return readFailure(error).name === 'NoSuchUpload';
}
