import type { Command } from '../command.ts';
import { COMMANDS, flagsOf } from '../flags.ts';

export const completionCommand: Command = (io) => ({
  command: 'completion [action]',
  describe: COMMANDS.completion,
  builder: (command) =>
    command
      .usage('$0 completion [install|uninstall] [flags]\n\nWithout a word prints the script that install writes.')
      .positional('action', { type: 'string', describe: 'install: write the script; uninstall: delete it' })
      .options(flagsOf('completion'))
      .example('$0 completion install', 'once, after kubectl krew install istio-diag'),
  async handler({ action, dir }) {
    const { completion } = await import('./completion.ts');
    await completion(action as string | undefined, dir as string | undefined, io);
  },
});
