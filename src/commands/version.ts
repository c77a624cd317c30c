import { tool } from '../version.ts';
import type { Command } from './command.ts';
import { COMMANDS } from './flags.ts';
import { print } from './io.ts';

export const versionCommand: Command = (io) => ({
  command: 'version',
  describe: COMMANDS.version,
  handler: () => print(io.stdout, `${tool.name} v${tool.version}\n`),
});
