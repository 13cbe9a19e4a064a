import { type Component, COMPONENTS } from '../../lib/catalog/component';
import { wrong } from '../shared/parameters';

/** What was typed as a list, separated by commas or lines. */
export function listed(text: string): string[] {
	return text.split(/[,\n]/).map((each) => each.trim()).filter((each) => each !== '');
}

/** The components of *Must Hold*. */
export function readNeeded(names: readonly string[]): Component[] {
	return names.map((name) => {
		const found = COMPONENTS.find((component) => component === name);
		if (found === undefined) throw wrong('Must Hold', `holds "${name}", which is no part of the stack`, `Use: ${COMPONENTS.join(', ')}.`);
		return found;
	});
}
