import type { Command } from '../command.ts';
import { COMMANDS } from '../flags.ts';
import { print } from '../io.ts';

export const rbacCommand: Command = (io) => ({
  command: 'rbac [topic]',
  describe: COMMANDS.rbac,
  builder: (command) =>
    command
      .usage('$0 rbac [TOPIC]')
      .positional('topic', { type: 'string', default: 'missing-metrics', describe: 'The topic, all or debug' }),
  async handler({ topic }) {
    const { roleText } = await import('./rbac.ts');
    await print(io.stdout, await roleText(String(topic)));
  },
});
