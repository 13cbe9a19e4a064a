/**
 * Runs two tasks side by side. When one fails, the other's signal fires, and the first error is thrown once both have ended:
 * nothing goes on behind the caller's back.
 */
export async function concurrently<A, B>(
	signal: AbortSignal,
	first: (signal: AbortSignal) => Promise<A>,
	second: (signal: AbortSignal) => Promise<B>,
): Promise<[A, B]> {
	const failed = new AbortController();
	const either = AbortSignal.any([signal, failed.signal]);
	let error: { readonly reason: unknown } | undefined;
	const guard = <T>(task: Promise<T>): Promise<T> =>
		task.catch((reason: unknown) => {
			error ??= { reason };
			failed.abort(reason);
			throw reason;
		});
	const results = await Promise.allSettled([guard(first(either)), guard(second(either))]);
	const [a, b] = results;
	if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
	throw error?.reason;
}
