/** Bytes that are not what was written. `message` completes "… is damaged:"; whoever knows the artifact turns it into `ARTIFACT_DAMAGED`. */
export class DamagedBytesError extends Error {
	override readonly name = 'DamagedBytesError';
}
