import { COMPONENTS, type Component } from '../../lib/catalog/component';
import type { Parameters } from '../shared/parameters';

/** The part of the stack that the node was told to verify. */
export function verifiedComponent(parameters: Parameters): Component | null {
	switch (parameters.text('operation', 'Operation')) {
		case 'restoreDrill':
		case 'recoveryDrill':
		case 'continuity':
			return 'postgres';
		case 'redisDrill':
			return 'redis';
		case 'n8nDrill':
			return 'n8n';
		case 'integrity':
		case 'filesDrill':
			return parameters.choice('component', 'Component', COMPONENTS) ?? null;
		default:
			return null;
	}
}
