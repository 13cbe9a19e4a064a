const FOR_ALL_TESTS = ['postgres', 'chromium', 'redis', 'redis flavors', 'zstd', 'age', 'openssl', 'n8n', 'compiler', 'n8n sqlite', 'postgres versions', 's3 server', 'build'];
const EVERYTHING = { BACKUP_RECOVERY_TEST_BREADTH: 'all' };
const AT_ONCE = { BACKUP_RECOVERY_TEST_BREADTH: 'at once' };

/**
 * What each npm script needs and does; `needsWith` is what some of its options need besides. `run` is argv, `beside` what runs at the same time; a step with `jest`
 * runs those of jest's projects; `env` is added to the environment.
 * What the person types after `--` is added to a command's last step.
 */
export const commands = {
	'demo': {
		needs: ['postgres', 'redis', 'n8n', 'compiler', 'n8n sqlite', 'build'],
		needsWith: { '--s3': ['s3 server'] },
		steps: [{ title: 'Demo', run: ['node', '--import', 'tsx', 'demo/demo.ts'] }],
	},
	'test': {
		needs: FOR_ALL_TESTS,
		steps: [
			{ title: 'Lint, type check, unit and node tests', beside: [['eslint', '.'], ['tsc', '-p', 'tsconfig.json', '--noEmit']], jest: ['unit', 'nodes'] },
			{ title: 'Integration tests (real servers)', jest: ['integration'] },
			{ title: 'End-to-end tests (real n8n)', jest: ['e2e'] },
		],
	},
	'test:unit': { needs: ['zstd', 'age'], steps: [{ title: 'Unit tests', jest: ['unit'], env: AT_ONCE }] },
	'test:nodes': { needs: ['build'], steps: [{ title: 'Node tests', jest: ['nodes'] }] },
	'test:integration': {
		needs: ['postgres', 'chromium', 'redis', 'redis flavors', 'zstd', 'age', 'openssl', 'postgres versions', 's3 server', 'build'],
		steps: [{ title: 'Integration tests (real servers)', jest: ['integration'] }],
	},
	'test:e2e': { needs: ['postgres', 'redis', 'zstd', 'age', 's3 server', 'n8n', 'compiler', 'n8n sqlite', 'build'], steps: [{ title: 'End-to-end tests (real n8n)', jest: ['e2e'] }] },
	'test:exhaustive': {
		needs: FOR_ALL_TESTS,
		steps: [
			{ title: 'Integration tests, every variant', jest: ['integration'], env: EVERYTHING },
			{ title: 'End-to-end tests, every variant', jest: ['e2e'], env: EVERYTHING },
		],
	},
	'rehearsal': { needs: ['postgres', 'redis', 'n8n', 'compiler', 'n8n sqlite', 'build'], steps: [{ title: 'Rehearsals of disasters (real n8n)', jest: ['rehearsal'] }] },
	'bench': { needs: ['postgres', 'redis', 'zstd', 'restic', 'rclone', 'pgbackrest', 's3 server', 'n8n', 'build'], steps: [{ title: 'Benchmarks', run: ['node', '--import', 'tsx', 'benchmarks/run.ts'] }] },
	'soak': { needs: ['postgres', 'zstd', 'build'], steps: [{ title: 'Soak: continuous archiving under load', run: ['node', '--import', 'tsx', 'benchmarks/soak.ts'] }] },
	'translate': { needs: [], steps: [{ title: 'Workflows in Brazilian Portuguese', run: ['node', '--import', 'tsx', 'scripts/translate-workflows.ts'] }] },
	'pictures': {
		needs: ['postgres', 'chromium', 'n8n', 'build'],
		steps: [{ title: 'Pictures', run: ['node', '--import', 'tsx', 'scripts/pictures/take-pictures.ts'] }],
	},
};
