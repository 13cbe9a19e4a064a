import type { DemoStep } from './report';

/** How a step ended, in the words of the closing table. */
export interface StepOutcome<T> {
	readonly value: T;
	readonly size?: string;
	readonly result: string;
}

/** Runs the steps of the demo, shows that each is still at work, and keeps what the closing table needs. */
export class Progress {
	readonly steps: DemoStep[] = [];

	/** Adds a part of the last step that n8n timed itself. */
	part(title: string, seconds: number, size: string, result: string): void {
		this.steps.push({ step: `  ${title}`, seconds, size, result });
		process.stdout.write(`    ${title} (${seconds.toFixed(1)} s${size === '' ? '' : `, ${size}`}): ${result}\n`);
	}

	async step<T>(title: string, work: () => Promise<StepOutcome<T>>): Promise<T> {
		const started = performance.now();
		const seconds = () => (performance.now() - started) / 1000;
		const stopShowing = showElapsed(title, seconds);
		try {
			const { value, size = '', result } = await work();
			stopShowing();
			this.steps.push({ step: title, seconds: seconds(), size, result });
			process.stdout.write(`✓ ${title} (${seconds().toFixed(1)} s${size === '' ? '' : `, ${size}`}): ${result}\n`);
			return value;
		} catch (error) {
			stopShowing();
			this.steps.push({ step: title, seconds: seconds(), size: '', result: 'FAILED' });
			process.stdout.write(`✗ ${title} failed after ${seconds().toFixed(1)} s\n`);
			throw error;
		}
	}
}

/** On a terminal one line that keeps turning, elsewhere a line at the start and every ten seconds. */
function showElapsed(title: string, seconds: () => number): () => void {
	const terminal = process.stdout.isTTY;
	const wheel = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
	let turn = 0;
	const show = () => {
		const line = `${title} … ${seconds().toFixed(0)} s`;
		process.stdout.write(terminal ? `\r\x1b[K${wheel[turn++ % wheel.length]} ${line}` : `  ${line}\n`);
	};
	show();
	const timer = setInterval(show, terminal ? 100 : 10_000);
	return () => {
		clearInterval(timer);
		if (terminal) process.stdout.write('\r\x1b[K');
	};
}
