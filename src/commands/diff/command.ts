import { type Command, WORD } from '../command.ts';
import { COMMANDS, flagsOf } from '../flags.ts';

export const diffCommand: Command = (io, exit) => ({
  command: 'diff <old> <new>',
  describe: COMMANDS.diff,
  builder: (command) => command.positional('old', WORD).positional('new', WORD).options(flagsOf('diff')),
  async handler(args) {
    const { diff } = await import('./diff.ts');
    exit(await diff(args, io));
  },
});
