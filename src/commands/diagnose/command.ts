import { type Entry, guide } from '../../guide/index.ts';
import { type Command, withFlags } from '../command.ts';
import { COMMANDS } from '../flags.ts';

/** A topic of the guide. */
export const topicCommand =
  (entry: Entry): Command =>
  (io, exit) => {
    const { id, summary, workload } = entry;
    return {
      command: workload === null ? id : `${id} [workload]`,
      describe: summary,
      builder(command) {
        if (workload !== null) command.positional('workload', { type: 'string', describe: workload });
        withFlags(command, id)
          .usage(`$0 ${id}${workload === null ? '' : ' [WORKLOAD]'} [flags]\n\n${summary}.`)
          .example(`$0 ${id}`, 'the whole mesh');
        if (workload !== null) command.example(`$0 ${id} service/reviews -n bookinfo`, 'one service');
        return command
          .example(`$0 ${id} -o json | jq .lostAt`, 'for a script')
          .example(`$0 ${id} --save-bundle mesh.tar.gz`, 'to look at it elsewhere, with --bundle');
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
  builder: (command) =>
    withFlags(command, 'all')
      .usage(`$0 all [flags]\n\n${COMMANDS.all}.`)
      .example('$0 all', 'everything there is to look at')
      .example(`$0 all -o json | jq -r '.items[]|[.topic,.verdict]|@tsv'`, 'for a script'),
  async handler(args) {
    const { diagnose } = await import('./diagnose.ts');
    exit(await diagnose(guide, args, io));
  },
});
