import { type Component, COMPONENTS } from '../catalog/component';
import type { RetentionHold } from '../catalog/retention-hold';
import type { ComponentStatus, State } from '../status/component-status';

/** Of which components the hold speaks: it names their backups as `files, backup …`. */
export function heldComponents(hold: RetentionHold | null): Component[] {
	return hold === null ? [] : COMPONENTS.filter((component) => new RegExp(`(^|[^a-z0-9])${component}, backup `).test(hold.reason));
}

/** How a component is shown: as long as a person has not lifted a hold that names it, it is not well. */
export function shownState({ component, state }: Pick<ComponentStatus, 'component' | 'state'>, hold: RetentionHold | null): State {
	return state === 'OK' && heldComponents(hold).includes(component) ? 'WARNING' : state;
}
