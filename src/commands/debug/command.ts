import { type Command, withFlags } from '../command.ts';
import { COMMANDS } from '../flags.ts';

export const debugCommand: Command = (io, exit) => ({
  command: 'debug [helper] [what] [pod]',
  describe: COMMANDS.debug,
  builder(command) {
    command
      .usage('$0 debug proxy-config KIND POD | sync [POD] | pilot PAGE | diff POD | tcpdump POD | gdb POD [flags]')
      .positional('helper', { type: 'string', describe: 'proxy-config, sync, pilot, diff, tcpdump or gdb' })
      .positional('what', { type: 'string', describe: 'The pod; of proxy-config and pilot what to print' })
      .positional('pod', { type: 'string', describe: 'Of proxy-config, the pod' });
    return withFlags(command, 'debug')
      .example('$0 debug proxy-config routes reviews-v1-6d8f -n bookinfo', 'as istioctl does, of any release')
      .example('$0 debug diff reviews-v1-6d8f -n bookinfo', 'what Pilot sent and Envoy has not')
      .example('$0 debug tcpdump reviews-v1-6d8f -n bookinfo', 'the line to type, and what it does');
  },
  async handler(args) {
    const { debug } = await import('./debug.ts');
    const words = [args.helper, args.what, args.pod].filter((word) => typeof word === 'string');
    exit(await debug(words, args, io));
  },
});
