import { requireSupportedNode } from '../../../lib/jobs/runtime';

test.each(['v22.16.0', 'v22.20.1', 'v24.0.0', 'v26.1.0'])('%s can run jobs', (version) => {
	expect(() => requireSupportedNode(version)).not.toThrow();
});

test.each(['v18.20.0', 'v20.20.2', 'v22.15.1'])('%s is refused with what to do', (version) => {
	expect(() => requireSupportedNode(version)).toThrow(expect.objectContaining({ code: 'RUNTIME_TOO_OLD', hint: expect.stringContaining('22.16') }));
});
