import { type Entry, guide } from '../../guide/index.ts';
import { type Command, WORD, withFlags } from '../command.ts';
import { COMMANDS } from '../flags.ts';

/** A topic of the guide. */
export const topicCommand =
  (entry: Entry): Command =>
  (io, exit) => {
    const { id, summary, workload } = entry;
    return {
      command: workload === null ? id : `${id} [workload] [name]`,
      describe: summary,
      builder(command) {
        if (workload !== null) command.positional('workload', WORD).positional('name', WORD);
        return withFlags(command, id);
      },
      async handler(args) {
        const { diagnose } = await import('./diagnose.ts');
        exit(await diagnose([entry], args, io));
      },
    };
  };

/** Every topic of the guide. */
export const allCommand: Command = (io, exit) => ({
  command: 'all',
  describe: COMMANDS.all,
  builder: (command) => withFlags(command, 'all'),
  async handler(args) {
    const { diagnose } = await import('./diagnose.ts');
    exit(await diagnose(guide, args, io));
  },
});
