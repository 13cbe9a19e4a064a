import { abortable } from '../core/abortable';

/**
 * Runs `work` on up to `limit` items at once and yields the results in the order of the items.
 * Items are fetched ahead, so that source, work and consumer all run at the same time; at most
 * `limit` items or results are held. When the consumer stops or anything fails, the source is closed
 * and no work is left running.
 */
export async function* mapInOrder<In, Out>(
	source: AsyncIterable<In>,
	limit: number,
	work: (item: In) => Promise<Out>,
): AsyncGenerator<Out, void, void> {
	const stop = new AbortController();
	const queue: Promise<Out>[] = [];
	let sourceEnded = false;
	let sourceError: { readonly error: unknown } | undefined;
	let wakeConsumer = () => {};
	let wakeProducer = () => {};

	const produce = async () => {
		try {
			for await (const item of abortable(source, stop.signal)) {
				const result = work(item);
				// The consumer gets the error when its turn comes; until then it must not count as unhandled.
				result.catch(() => undefined);
				queue.push(result);
				wakeConsumer();
				while (queue.length >= limit && !stop.signal.aborted) await new Promise<void>((resolve) => (wakeProducer = resolve));
			}
		} catch (error) {
			sourceError = { error };
		}
		sourceEnded = true;
		wakeConsumer();
	};

	const producing = produce();
	try {
		for (;;) {
			const next = queue[0];
			if (next !== undefined) {
				const result = await next;
				void queue.shift();
				wakeProducer();
				yield result;
			} else if (sourceEnded) {
				if (sourceError) throw sourceError.error;
				return;
			} else {
				await new Promise<void>((resolve) => (wakeConsumer = resolve));
			}
		}
	} finally {
		stop.abort();
		wakeProducer();
		await producing;
		await Promise.allSettled(queue);
	}
}
