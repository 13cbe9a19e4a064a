import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { BackupError } from '../../lib/core/errors';

/**
 * One item's parameters, each checked for its type: an expression may yield anything.
 * `label` is the field's name on the panel, for errors.
 */
export class Parameters {
	constructor(
		private readonly context: Pick<IExecuteFunctions, 'getNodeParameter'>,
		private readonly itemIndex: number,
	) {}

	/** A text that must not be empty. */
	requiredText(name: string, label: string): string {
		const value = this.text(name, label);
		if (value === '') throw wrong(label, 'is empty', 'Fill it in; if it is an expression, see that it has a value for this item.');
		return value;
	}

	text(name: string, label: string): string {
		return asText(this.context.getNodeParameter(name, this.itemIndex, ''), label);
	}

	flag(name: string, label: string): boolean {
		const value = this.context.getNodeParameter(name, this.itemIndex);
		if (typeof value !== 'boolean') throw wrong(label, 'is not true or false', 'Use the switch, or an expression that yields true or false.');
		return value;
	}

	number(name: string, label: string): number {
		return asNumber(this.context.getNodeParameter(name, this.itemIndex), label);
	}

	/** One of a fixed set of values. */
	choice<const T extends string>(name: string, label: string, allowed: readonly T[]): T {
		return asChoice(this.context.getNodeParameter(name, this.itemIndex), label, allowed);
	}

	/** The value inside a resource locator, which must not be empty. */
	located(name: string, label: string): string {
		const value = asText(this.context.getNodeParameter(name, this.itemIndex, '', { extractValue: true }), label);
		if (value === '') throw wrong(label, 'is empty', 'Choose one from the list, or enter it.');
		return value;
	}

	/** The value as it is, for fields with a reader of their own. */
	raw(name: string): unknown {
		return this.context.getNodeParameter(name, this.itemIndex, undefined);
	}

	/** The fields that were added to a collection; the others are missing. */
	collection(name: string): CollectionValues {
		return new CollectionValues(this.context.getNodeParameter(name, this.itemIndex, {}) as IDataObject);
	}
}

/** The fields of a collection ("Options"): every reader yields undefined for one that was not added. */
export class CollectionValues {
	constructor(private readonly values: IDataObject) {}

	text(name: string, label: string): string | undefined {
		return this.read(name, (value) => asText(value, label) || undefined);
	}

	flag(name: string, label: string): boolean | undefined {
		return this.read(name, (value) => {
			if (typeof value !== 'boolean') throw wrong(label, 'is not true or false', 'Use the switch, or an expression that yields true or false.');
			return value;
		});
	}

	number(name: string, label: string): number | undefined {
		return this.read(name, (value) => asNumber(value, label));
	}

	choice<const T extends string>(name: string, label: string, allowed: readonly T[]): T | undefined {
		return this.read(name, (value) => asChoice(value, label, allowed));
	}

	raw(name: string): unknown {
		return this.values[name];
	}

	private read<T>(name: string, parse: (value: unknown) => T): T | undefined {
		const value = this.values[name];
		return value === undefined || value === null ? undefined : parse(value);
	}
}

function asText(value: unknown, label: string): string {
	if (typeof value === 'string') return value;
	if (value === undefined || value === null) return '';
	throw wrong(label, 'is not a text', 'If it is an expression, see that it yields a text for this item.');
}

function asNumber(value: unknown, label: string): number {
	const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
	if (typeof number === 'number' && Number.isFinite(number)) return number;
	throw wrong(label, 'is not a number', 'If it is an expression, see that it yields a number for this item.');
}

function asChoice<T extends string>(value: unknown, label: string, allowed: readonly T[]): T {
	const found = allowed.find((choice) => choice === value);
	if (found !== undefined) return found;
	throw wrong(label, 'is none of the possible values', `Use one of: ${allowed.join(', ')}.`);
}

/** The error of a field whose value cannot be used. */
export function wrong(label: string, problem: string, hint: string): BackupError {
	return new BackupError('INVALID_INPUT', `"${label}" ${problem}.`, hint);
}
