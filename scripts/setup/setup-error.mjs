/** Something that a person must mend before the command can run; the message says what and how. */
export class SetupError extends Error {}
