export const STATES = ['OK', 'WARNING', 'CRITICAL'] as const;
export type State = (typeof STATES)[number];

/** The worst of several; OK of none. */
export function worst(states: readonly State[]): State {
	return STATES[Math.max(0, ...states.map((state) => STATES.indexOf(state)))] ?? 'OK';
}
