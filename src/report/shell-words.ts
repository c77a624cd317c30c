/** A command of a line: its words as a shell would hand them over, and whether it reads what the one before prints. */
export interface ShellCommand {
  words: readonly string[];
  isPiped: boolean;
}

/** A word's part: in quotes, escaped, or plain; what ends a command; a comment. */
const PART = /'([^']*)'|"([^"]*)"|\\(.)|(&&|\|\||[|;&])|(?<=\s|^)(#.*)|(\s+)|([^\s'"\\|;&]+)/gs;

/**
 * The commands of a line that a hint shows, without its comment. It knows what hints are made of (shell.ts): quotes, `&&`, pipes and
 * `;`. Nothing is expanded.
 */
export function shellCommandsOf(line: string): readonly ShellCommand[] {
  const commands: { words: string[]; isPiped: boolean }[] = [{ words: [], isPiped: false }];
  let word: string | null = null;
  const end = (): void => {
    if (word !== null) commands.at(-1)?.words.push(word);
    word = null;
  };
  for (const [, single, double, escaped, separator, comment, blank, plain] of line.matchAll(PART)) {
    if (comment !== undefined) break;
    if (separator !== undefined) {
      end();
      commands.push({ words: [], isPiped: separator === '|' });
    } else if (blank !== undefined) end();
    else word = (word ?? '') + (single ?? double ?? escaped ?? plain ?? '');
  }
  end();
  return commands.filter(({ words }) => words.length > 0);
}
