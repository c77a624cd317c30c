import { type Command, WORD } from '../command.ts';
import { COMMANDS, flagsOf } from '../flags.ts';

export const completionCommand: Command = (io) => ({
  command: 'completion [action]',
  describe: COMMANDS.completion,
  builder: (command) => command.positional('action', WORD).options(flagsOf('completion')),
  async handler({ action, dir }) {
    const { completion } = await import('./completion.ts');
    await completion(action as string | undefined, dir as string | undefined, io);
  },
});
