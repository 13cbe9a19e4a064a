const { default: Sequencer } = require('@jest/test-sequencer');

/** Short to read and long to run: what jest, which on a fresh clone goes by the size of a file, would start last, when one worker has nothing left to do. */
const LONG = ['cli/server-loss', 'recovery-pitr/targets', 'report/accessibility', 's3/contract', 'replication/versions'].map((name) => `test/integration/${name}.test.ts`);

/** Starts the long files first, so that the workers end together. */
module.exports = class LongestFirst extends Sequencer {
	async sort(tests) {
		const isLong = ({ path }) => LONG.some((name) => path.endsWith(name));
		const sorted = await super.sort(tests);
		return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
	}
};
