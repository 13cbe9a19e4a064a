import { concurrently } from '../../../lib/postgres/concurrently';

const never = new AbortController().signal;
const untilAborted = (signal: AbortSignal, onEnd: () => void) =>
	new Promise<never>((_, reject) =>
		signal.addEventListener('abort', () =>
			setTimeout(() => {
				onEnd();
				reject(new Error('aborted'));
			}, 20),
		),
	);

it('yields both results', async () => {
	expect(
		await concurrently(
			never,
			async () => 1,
			async () => 'two',
		),
	).toEqual([1, 'two']);
});

it.each([0, 1])('when one fails, ends the other, waits for it, and throws the first error', async (failing) => {
	let ended = false;
	const tasks = [
		async () => Promise.reject(new Error('first')),
		(signal: AbortSignal) => untilAborted(signal, () => (ended = true)),
	] as const;
	await expect(concurrently(never, tasks[failing] ?? tasks[0], tasks[1 - failing] ?? tasks[1])).rejects.toThrow('first');
	expect(ended).toBe(true);
});
