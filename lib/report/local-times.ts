import { timeWords } from '../core/words';

const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)/g;

/** A text in which moments stand as machines write them, with each as everything else on the page shows it. */
export function localTimes(text: string, timeZone: string): string {
	return text.replace(MOMENT, (moment) => (Number.isNaN(Date.parse(moment)) ? moment : timeWords(moment, timeZone)));
}
