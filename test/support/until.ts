import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something holds. @throws Error naming `what` when it does not within 40 seconds */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
	const deadline = performance.now() + 40_000;
	while (!(await holds())) {
		if (performance.now() > deadline) throw new Error(`It did not come to pass that ${what}.`);
		await sleep(100);
	}
}
