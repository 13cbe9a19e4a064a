import { wrong } from './parameters';

/** The text of a credential's field; empty where it is missing. */
export function textField(value: unknown): string {
	return typeof value === 'string' ? value : '';
}

/** The same, which must not be empty. `label` is its name on the panel. */
export function requiredField(value: unknown, label: string): string {
	const text = textField(value).trim();
	if (text === '') throw wrong(label, 'is empty', 'Open the credential and fill it in.');
	return text;
}
