import { RateLimit } from '../../../../lib/storage/s3/rate-limit';
import { collect, rejection } from '../../../support/bytes';

const never = new AbortController().signal;

test('all who share a limit are together no faster than it', async () => {
	const limit = new RateLimit(1_000_000);
	const begun = performance.now();
	const parts = [Buffer.alloc(100_000, 'a'), Buffer.alloc(100_000, 'b'), Buffer.alloc(100_000, 'c')];
	const sent = await Promise.all(parts.map(async (part) => await collect(limit.pace(part, never))));
	expect(sent.map((bytes, index) => bytes.equals(parts[index]!))).toEqual([true, true, true]);
	// The last slice need not wait for its own time to pass.
	expect(performance.now() - begun).toBeGreaterThan(200);
});

test('a small request does not wait until a large one is through', async () => {
	const limit = new RateLimit(1_000_000);
	const large = collect(limit.pace(Buffer.alloc(1_000_000), never));
	let done = false;
	void large.then(() => (done = true));
	await limit.take(100, never);
	expect(done).toBe(false);
	await large;
}, 10_000);

test('without a limit nothing waits, and slices are never empty', async () => {
	const begun = performance.now();
	await new RateLimit(0).take(1e12, never);
	expect(performance.now() - begun).toBeLessThan(1000);
	expect(new RateLimit(1).sliceBytes).toBe(1);
	expect(new RateLimit(1e12).sliceBytes).toBe(65_536);
});

test('a wait ends when it is cancelled', async () => {
	const limit = new RateLimit(1);
	await limit.take(1000, never);
	const controller = new AbortController();
	setTimeout(() => controller.abort(), 10);
	expect(await rejection(limit.take(1, controller.signal))).toMatchObject({ code: 'CANCELLED' });
});
