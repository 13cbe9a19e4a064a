import { S3Client } from '@aws-sdk/client-s3';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type Doing, mapS3Error } from './map-error';
import { PacedHandler } from './paced-handler';
import { RateLimit } from './rate-limit';
import { type RetryContext, type RetryPolicy, retrying } from './retry';
import type { S3Location } from './settings';

/** How long things may take, in milliseconds, and how often they are tried. */
export interface S3Timing extends RetryPolicy {
	readonly connectMs: number;
	/** A connection on which nothing moves for so long is given up. */
	readonly idleMs: number;
	/** From the start of a request to its answer, on top of what its body may take at the slowest tolerable pace. */
	readonly answerMs: number;
}

/** Patient enough for an outage of half a minute in the middle of the night. */
export const PATIENT: S3Timing = { attempts: 8, firstWaitMs: 250, longestWaitMs: 20_000, connectMs: 10_000, idleMs: 60_000, answerMs: 300_000 };
/** For the connection test: somebody waits for it. */
export const BRISK: S3Timing = { attempts: 2, firstWaitMs: 250, longestWaitMs: 1_000, connectMs: 5_000, idleMs: 15_000, answerMs: 15_000 };

/** Bytes a second below which an upload counts as hanging, although something moves now and then. */
const SLOWEST_PACE = 16 * 1024;

/** What one attempt is sent with. */
export interface SendOptions {
	readonly abortSignal: AbortSignal;
	readonly requestTimeout: number;
}

export interface Request {
	readonly signal: AbortSignal;
	/** Size of the body. */
	readonly bytes?: number;
}

/** Requests to one bucket: sent with time-outs, again when they fail for a passing reason, and their errors put into words. */
export class S3Requests {
	readonly client: S3Client;
	readonly downloadLimit: RateLimit;
	private readonly uploadLimit: RateLimit;

	constructor(
		readonly location: S3Location,
		readonly description: string,
		readonly timing: S3Timing,
		private readonly randomBytes: (bytes: number) => Buffer,
	) {
		this.uploadLimit = new RateLimit(location.uploadLimit);
		this.downloadLimit = new RateLimit(location.downloadLimit);
		this.client = makeClient(location, timing, this.uploadLimit);
	}

	/** @throws the last attempt's error as it is, or the `BackupError` of an abort */
	async send<T>(request: Request, attempt: (options: SendOptions) => Promise<T>): Promise<T> {
		const pace = this.uploadLimit.unlimited ? SLOWEST_PACE : Math.min(SLOWEST_PACE, this.uploadLimit.bytesPerSecond / 16);
		const requestTimeout = this.timing.answerMs + ((request.bytes ?? 0) / pace) * 1000;
		return await retrying(this.retryContext(request.signal), () => attempt({ abortSignal: request.signal, requestTimeout }));
	}

	retryContext(signal: AbortSignal): RetryContext {
		return { policy: this.timing, signal, randomBytes: this.randomBytes };
	}

	/** Runs `work` and puts its error into words. */
	async mapped<T>(doing: Doing, work: () => Promise<T>): Promise<T> {
		try {
			return await work();
		} catch (error) {
			throw this.mapError(error, doing);
		}
	}

	mapError(error: unknown, doing: Doing) {
		const { bucket, region, credentials } = this.location;
		return mapS3Error(error, doing, { description: this.description, bucket, region, role: credentials.from === 'role' });
	}
}

function makeClient(location: S3Location, timing: S3Timing, uploadLimit: RateLimit): S3Client {
	const { credentials } = location;
	const agent = { keepAlive: true, maxSockets: 32 };
	return new S3Client({
		region: location.region,
		...(location.endpoint !== '' && { endpoint: location.endpoint }),
		forcePathStyle: location.forcePathStyle,
		// Without keys the SDK looks for the machine's role; `lib/jobs/child-process.ts` says what of the machine it can see.
		...(credentials.from === 'keys' && {
			credentials: {
				accessKeyId: credentials.accessKeyId,
				secretAccessKey: credentials.secretAccessKey,
				...(credentials.sessionToken !== '' && { sessionToken: credentials.sessionToken }),
			},
		}),
		requestChecksumCalculation: location.checksums,
		// What is read is compared with digests of our own, and a checked stream of the SDK would not tell of a broken connection.
		responseChecksumValidation: 'WHEN_REQUIRED',
		maxAttempts: 1,
		expectContinueHeader: false,
		requestHandler: new PacedHandler(
			{
				connectionTimeout: timing.connectMs,
				requestTimeout: timing.answerMs,
				throwOnRequestTimeout: true,
				socketTimeout: timing.idleMs,
				httpAgent: new HttpAgent(agent),
				httpsAgent: new HttpsAgent({ ...agent, ...(location.ca !== '' && { ca: location.ca }) }),
			},
			uploadLimit,
		),
	});
}
