import { ExposedBytes } from '../../../../lib/postgres/wal/exposed-bytes';
import { Exposure } from '../../../../lib/postgres/wal/exposure';
import { PIECE_GRACE_MS, SupersededPieces } from '../../../../lib/postgres/wal/superseded-pieces';

let now = 0;
beforeEach(() => {
	now = 1_000_000;
	jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22) + seconds * 1000);
const commit = (seconds: number) => ({ firstCommitAt: at(seconds).toISOString(), lastCommitAt: at(seconds).toISOString(), commits: 1, restorePoints: [] });

describe('what was received', () => {
	it('is exposed from its commit on, by the clock of the server, until it is durable', () => {
		const bytes = new ExposedBytes(true);
		expect(bytes.exposedSince).toBeUndefined();
		// Committed an hour before it could be sent.
		bytes.receive(at(3600));
		bytes.commits(commit(0));
		expect(now - bytes.exposedSince!).toBe(3_600_000);
		const durable = bytes.mark();
		now += 2000;
		bytes.receive(at(3602));
		expect(durable(false)).toBe(3_602_000);
		// What came since is as old as the mark at most.
		expect(now - bytes.exposedSince!).toBe(2000);
		const rest = bytes.mark();
		now += 500;
		expect(rest(true)).toBe(2500);
		expect(bytes.exposedSince).toBeUndefined();
	});

	it('goes by our own clock where that of the server says nothing', () => {
		const bytes = new ExposedBytes(false);
		bytes.receive(at(3600));
		bytes.commits(commit(0));
		now += 700;
		expect(now - bytes.exposedSince!).toBe(700);
		// A server's clock that was set back makes nothing younger than it is.
		const other = new ExposedBytes(true);
		other.receive(at(0));
		other.commits(commit(50));
		now += 700;
		expect(other.mark()(true)).toBe(700);
	});
});

describe('the exposure of a stream', () => {
	it('is the longest since it was asked last, and grows while the stream is interrupted', () => {
		const exposure = new Exposure();
		exposure.archived(4000);
		exposure.archived(1000);
		expect(exposure.takeMs(undefined)).toBe(4000);
		expect(exposure.takeMs(undefined)).toBe(0);
		// The store hangs.
		expect(exposure.takeMs(now - 9000)).toBe(9000);
		exposure.interrupted(now - 500);
		for (let minute = 1; minute <= 3; minute++) {
			now += 60_000;
			// Further tries that fail change nothing.
			exposure.interrupted(undefined);
			expect(exposure.takeMs(undefined)).toBe(minute * 60_000 + 500);
		}
		// Connected again, and nothing is durable yet.
		expect(exposure.takeMs(now)).toBe(180_500);
		exposure.archived(20);
		expect(exposure.takeMs(undefined)).toBe(180_500);
		expect(exposure.takeMs(undefined)).toBe(0);
	});

	it('is over where the server keeps nothing for us', () => {
		const exposure = new Exposure();
		exposure.interrupted(undefined);
		now += 5000;
		exposure.nothingLeft();
		expect(exposure.takeMs(undefined)).toBe(0);
	});
});

test('superseded pieces go an hour later, in their order', async () => {
	const removed: string[] = [];
	const pieces = new SupersededPieces(async (name) => void removed.push(name));
	pieces.add(['a', 'b']);
	now += PIECE_GRACE_MS / 2;
	pieces.add(['c']);
	await pieces.removeOld();
	expect(removed).toEqual([]);
	now += PIECE_GRACE_MS / 2;
	await pieces.removeOld();
	expect(removed).toEqual(['a', 'b']);
	now += PIECE_GRACE_MS / 2;
	await pieces.removeOld();
	expect(removed).toEqual(['a', 'b', 'c']);
});
