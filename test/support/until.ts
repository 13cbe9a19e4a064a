import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something holds. @throws Error naming `what` when it does not in time */
export async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 40, everyMs = 100): Promise<void> {
	const deadline = performance.now() + seconds * 1000;
	while (!(await holds())) {
		if (performance.now() > deadline) throw new Error(`It did not come to pass that ${what}.`);
		await sleep(everyMs);
	}
}
