import { BackupError, type ErrorCode, toBackupError } from '../../core/errors';
import { readFailure, type S3Failure } from './transient';

/** What was being done, for messages. */
export interface Doing {
	/** To be followed by "failed", e.g. `Writing backups/a`. */
	readonly what: string;
	/** The right that it needs, e.g. `s3:PutObject`. */
	readonly permission: string;
}

interface Place {
	readonly description: string;
	readonly bucket: string;
	readonly region: string;
	/** Whether the rights come from the machine's role. */
	readonly role: boolean;
}

type Reason = readonly [code: ErrorCode, reason: string, hint: string];

/**
 * Turns what a request ended with into an error that a person can act on.
 * Of the original only its name and message are kept: the SDK's errors also hold the signed request.
 */
export function mapS3Error(error: unknown, doing: Doing, place: Place): BackupError {
	if (error instanceof BackupError) return error;
	const failure = readFailure(error);
	if (failure.name === 'AbortError') return toBackupError(error);
	const [code, reason, hint] = reasonOf(failure, doing, place);
	return new BackupError(code, `${doing.what} in the store (${place.description}) failed: ${reason}.`, hint, { cause: new Error(`${failure.name || failure.code}: ${failure.message}`) });
}

function reasonOf(failure: S3Failure, doing: Doing, place: Place): Reason {
	// Quotas before rights: both come as 403.
	return credentialReason(failure, place) ?? spaceReason(failure) ?? bucketReason(failure, doing, place) ?? requestReason(failure) ?? networkReason(failure) ?? otherReason(failure);
}

/** Error codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
function credentialReason({ name, message }: S3Failure, place: Place): Reason | undefined {
	switch (name) {
		case 'InvalidAccessKeyId':
			return ['AUTHENTICATION_FAILED', 'the service does not know the access key', 'Check the access key ID, and that it belongs to this service and region.'];
		case 'SignatureDoesNotMatch':
			return ['AUTHENTICATION_FAILED', 'the secret access key does not fit the access key', 'Enter the secret access key again. If it is right, check the region, and that no proxy on the way changes requests.'];
		case 'ExpiredToken':
		case 'ExpiredTokenException':
		case 'InvalidToken':
		case 'TokenRefreshRequired':
			return ['AUTHENTICATION_FAILED', 'the session token is not valid (any more)', 'Temporary keys end after some hours: use the keys of a user made for backups, or the role of the machine.'];
		case 'RequestTimeTooSkewed':
		case 'RequestExpired':
			return ['AUTHENTICATION_FAILED', 'the clock of this machine and that of the service differ too much', 'Set the clock of this machine (NTP); S3 allows a difference of 15 minutes.'];
		case 'CredentialsProviderError':
		case 'TokenProviderError':
			return [
				'AUTHENTICATION_FAILED',
				place.role ? `this machine has no role, or it cannot be reached (${message})` : 'there are no keys',
				'Give the instance, container or service account a role (in a container on EC2 the metadata service needs a hop limit of 2), or use keys.',
			];
		default:
			return undefined;
	}
}

function bucketReason({ name, status, bucketRegion }: S3Failure, { permission }: Doing, { bucket, region }: Place): Reason | undefined {
	switch (name) {
		case 'NoSuchBucket':
			return ['STORE_UNAVAILABLE', `there is no bucket "${bucket}"`, 'Check its name, endpoint and region, or create it. It is not created for you, so that backups never land in a bucket without the right settings.'];
		case 'AuthorizationHeaderMalformed':
		case 'PermanentRedirect':
		case 'TemporaryRedirect':
		case 'IllegalLocationConstraintException':
			return ['STORE_UNAVAILABLE', `the bucket is not in the region ${region}`, `Set the region of the bucket${bucketRegion === '' ? '' : `, which is ${bucketRegion}`}, and an endpoint of that region if one is set.`];
		case 'InvalidBucketName':
			return ['STORE_UNAVAILABLE', `the service does not take "${bucket}" as the name of a bucket`, 'Check the name of the bucket; services with an address of their own mostly need "Path Style".'];
		case 'InvalidObjectState':
			return ['STORE_UNAVAILABLE', 'the object was moved to an archive', 'Restore it from the archive tier first. Lifecycle rules for backups should use tiers that can be read at once.'];
		default:
			if (status === 301 || status === 307) {
				return ['STORE_UNAVAILABLE', 'the service sends us to another address', `Set the region of the bucket${bucketRegion === '' ? '' : `, which is ${bucketRegion}`}, or an endpoint of its region.`];
			}
			if (status === 401 || status === 403 || name === 'AccessDenied') {
				return ['PERMISSION_DENIED', `the rights do not suffice (${name || 'AccessDenied'})`, `Allow ${permission} to the user or role in its policy and in that of the bucket. docs/security.md of the package has the whole policy.`];
			}
			return undefined;
	}
}

const FULL = new Set(['QuotaExceeded', 'InsufficientStorage', 'InsufficientCapacity', 'StorageFull', 'XMinioStorageFull', 'NotEnoughSpace', 'UserSuspended', 'AccountProblem', 'cap_exceeded']);

function spaceReason({ name, status }: S3Failure): Reason | undefined {
	const hint = 'Delete old backups with Backup Catalog: Prune, or raise the quota. Earlier backups are untouched. With versioning or Object Lock, deleted objects take space until a lifecycle rule removes them.';
	if (status === 507 || FULL.has(name)) return ['STORE_FULL', `the service takes no more (${name || status})`, hint];
	if (name === 'EntityTooLarge' || status === 413) return ['STORE_FULL', 'the service, or a proxy before it, does not take an object or request that large', 'Raise the limit of the proxy (nginx: client_max_body_size) to at least 64 MiB, or that of the service.'];
	return undefined;
}

function requestReason({ name, status, message }: S3Failure): Reason | undefined {
	const aboutChecksums = /checksum|trailer|aws-chunked|STREAMING/i.test(message) || ['XAmzContentSHA256Mismatch', 'BadDigest', 'InvalidDigest', 'MalformedTrailerError'].includes(name);
	if (name === 'SlowDown' || status === 429) return ['STORE_UNAVAILABLE', 'the service asks to slow down, again and again', 'Run the job again later, or set a bandwidth limit.'];
	if (status === 400 || status === 501 || name === 'NotImplemented') {
		return [
			'STORE_UNAVAILABLE',
			`the service does not take the request (${name || status}${message === '' ? '' : `: ${message}`})`,
			aboutChecksums || status === 501
				? 'Set "Checksums" of the credential to "Only When Required": this service does not know the newer ones.'
				: 'See whether the service supports what the credential asks for: storage class, server-side encryption, Object Lock, checksums.',
		];
	}
	return undefined;
}

const UNTRUSTED = /^(CERT_|SELF_SIGNED|DEPTH_ZERO_SELF|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|EPROTO)/;

function networkReason({ name, code, message }: S3Failure): Reason | undefined {
	if (UNTRUSTED.test(code)) {
		return ['TLS_FAILED', `no secure connection could be made (${code})`, 'If the service has a certificate of your own authority, paste that authority into "CA Certificate". Check the name in the endpoint, and that it starts with http:// if the service has no TLS.'];
	}
	if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
		return ['STORE_UNAVAILABLE', 'its name cannot be resolved', 'Check endpoint and region. For a service of your own choose "Path Style", unless each bucket has a name in its DNS.'];
	}
	if (name === 'TimeoutError' || code === 'ETIMEDOUT') return ['STORE_UNAVAILABLE', 'it did not answer in time, again and again', 'Check the network and the service, then run the job again.'];
	if (code === 'EPIPE' || code === 'ECONNRESET') {
		return ['STORE_UNAVAILABLE', `the connection broke again and again (${code})`, 'Check the network and the service. Some services break off like this when a quota is reached.'];
	}
	return code === '' ? undefined : ['STORE_UNAVAILABLE', message || code, 'Check the endpoint, the network and the service, then run the job again.'];
}

function otherReason({ name, status, message }: S3Failure): Reason {
	const answer = [name, status === 0 ? '' : String(status), message].filter((part) => part !== '' && part !== 'Error');
	return ['STORE_UNAVAILABLE', answer.join(', ') || 'for an unknown reason', 'Check that the service is healthy, then run the job again.'];
}
