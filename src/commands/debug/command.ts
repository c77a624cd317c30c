import { type Command, WORD, withFlags } from '../command.ts';
import { COMMANDS } from '../flags.ts';

/** The helper, what it is about, the pod, and the pod's name behind its kind. */
const WORDS = ['helper', 'what', 'pod', 'name'] as const;

export const debugCommand: Command = (io, exit) => ({
  command: 'debug [helper] [what] [pod] [name]',
  describe: COMMANDS.debug,
  builder(command) {
    for (const name of WORDS) command.positional(name, WORD);
    return withFlags(command, 'debug');
  },
  async handler(args) {
    const { debug } = await import('./debug.ts');
    const words = WORDS.map((name) => args[name]).filter((word) => typeof word === 'string');
    exit(await debug(words, args, io));
  },
});
