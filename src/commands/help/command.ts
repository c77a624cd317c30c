import type { Command } from '../command.ts';
import { COMMANDS } from '../flags.ts';
import { print } from '../io.ts';
import { styleOf } from '../style.ts';

/** kubectl's word for the flags that all of its commands take. */
export const optionsCommand: Command = (io) => ({
  command: 'options',
  describe: COMMANDS.options,
  async handler() {
    const { helpText } = await import('./help.ts');
    await print(io.stdout, await helpText(['options'], styleOf({}, io)));
  },
});
