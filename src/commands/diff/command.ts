import type { Command } from '../command.ts';
import { COMMANDS, flagsOf } from '../flags.ts';

export const diffCommand: Command = (io, exit) => ({
  command: 'diff <old> <new>',
  describe: COMMANDS.diff,
  builder: (command) =>
    command
      .usage(
        `$0 diff OLD NEW [flags]\n\n${COMMANDS.diff}: what is new, what is known and what is fixed.\nExit codes: 0 nothing differs, 1 something does, 2 error.`,
      )
      .positional('old', { type: 'string', describe: 'A report in JSON, or a bundle' })
      .positional('new', { type: 'string', describe: 'A newer one' })
      .options(flagsOf('diff'))
      .example('$0 diff before.tar.gz after.tar.gz', 'two bundles')
      .example('$0 diff old.json new.json -o json', 'two reports'),
  async handler(args) {
    const { diff } = await import('./diff.ts');
    exit(await diff(args, io));
  },
});
