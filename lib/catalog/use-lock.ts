/** The lock of one backup: readers hold it shared, whoever deletes the backup exclusively. */
export function useLockName(id: string): string {
	return `use.${id}`;
}
