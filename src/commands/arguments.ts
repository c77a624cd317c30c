/** What yargs hands over: flags under their own names. */
export type Arguments = Readonly<Record<string, unknown>>;

/** What a flag was given; null where it was not. */
export const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
