import { setTimeout as sleep } from 'node:timers/promises';
import { mapInOrder } from '../../../lib/pipeline/map-in-order';
import { all, rejection } from '../../support/bytes';

async function* numbers(count: number, seen: { fetched: number; closed: boolean } = { fetched: 0, closed: false }) {
	try {
		for (let number = 0; number < count; number++) {
			seen.fetched++;
			yield number;
		}
	} finally {
		seen.closed = true;
	}
}

test('keeps the order however long each takes', async () => {
	const results = await all(mapInOrder(numbers(50), 4, async (number) => (await sleep((number * 7) % 5), number * 2)));
	expect(results).toEqual(Array.from({ length: 50 }, (_, number) => number * 2));
});

test('runs no more than the limit at once, and as many as that', async () => {
	let running = 0;
	let most = 0;
	const work = async () => {
		most = Math.max(most, ++running);
		await sleep(3);
		running--;
	};
	await all(mapInOrder(numbers(30), 3, work));
	expect(most).toBe(3);
});

test('fetches ahead of a slow consumer, but not beyond the limit', async () => {
	const seen = { fetched: 0, closed: false };
	for await (const _ of mapInOrder(numbers(100, seen), 3, async (number) => number)) {
		await sleep(5);
		if (seen.fetched >= 4) break;
		expect(seen.fetched).toBeLessThanOrEqual(4);
	}
	expect(seen.fetched).toBeLessThanOrEqual(5);
	expect(seen.closed).toBe(true);
});

test('an error of the work comes in its turn and ends everything', async () => {
	const seen = { fetched: 0, closed: false };
	const got: number[] = [];
	const work = async (number: number) => {
		if (number === 5) throw new Error('five');
		return number;
	};
	const error = await rejection(
		(async () => {
			for await (const result of mapInOrder(numbers(100, seen), 4, work)) got.push(result);
		})(),
	);
	expect(error.message).toBe('five');
	expect(got).toEqual([0, 1, 2, 3, 4]);
	expect(seen.closed).toBe(true);
});

test('an error of the source comes after what it gave', async () => {
	const broken = async function* () {
		yield 1;
		yield 2;
		throw new Error('broken');
	};
	const got: number[] = [];
	const error = await rejection(
		(async () => {
			for await (const result of mapInOrder(broken(), 4, async (number) => number)) got.push(result);
		})(),
	);
	expect(error.message).toBe('broken');
	expect(got).toEqual([1, 2]);
});

test('a consumer that leaves does not wait for a source that is stuck', async () => {
	const stuck = async function* () {
		yield 1;
		await new Promise(() => undefined);
	};
	for await (const result of mapInOrder(stuck(), 4, async (number) => number)) {
		expect(result).toBe(1);
		break;
	}
});
