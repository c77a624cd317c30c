import type { Command } from './command.ts';
import { COMMANDS } from './flags.ts';
import { print } from './io.ts';

export const schemaCommand: Command = (io) => ({
  command: 'schema',
  describe: COMMANDS.schema,
  async handler() {
    const { reportSchema } = await import('../report/schema.ts');
    await print(io.stdout, `${JSON.stringify(reportSchema, null, 2)}\n`);
  },
});
