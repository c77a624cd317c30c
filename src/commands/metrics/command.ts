import { type Command, WORD, withFlags } from '../command.ts';
import { COMMANDS } from '../flags.ts';

export const metricsCommand: Command = (io, exit) => ({
  command: 'metrics <pod> [name]',
  describe: COMMANDS.metrics,
  builder: (command) => withFlags(command.positional('pod', WORD).positional('name', WORD), 'metrics'),
  async handler(args) {
    const { metrics } = await import('./metrics.ts');
    exit(await metrics(args, io));
  },
});
