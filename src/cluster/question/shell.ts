/** `word` as a shell takes it literally. Names come from the cluster, and a reader pastes our commands. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Words as one line to paste. */
export const shellLine = (...words: readonly string[]): string => words.map(shellWord).join(' ');
