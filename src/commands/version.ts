import { API_VERSION, DATA, dataText } from '../report/data.ts';
import { tool } from '../version.ts';
import type { Command } from './command.ts';
import { COMMANDS, flagsOf } from './flags.ts';
import { print } from './io.ts';
import { formatAmong } from './options.ts';

/** What `version` prints for people. */
export const versionText = `${tool.name} v${tool.version}\n`;

export const versionCommand: Command = (io) => ({
  command: 'version',
  describe: COMMANDS.version,
  builder: (command) => command.options(flagsOf('version')),
  async handler({ output }) {
    const format = formatAmong(output, ['text', ...DATA]);
    await print(io.stdout, format === 'text' ? versionText : await dataText(versionOf(), format));
  },
});

/** What a script asks for. */
const versionOf = () => ({
  apiVersion: API_VERSION,
  kind: 'Version',
  name: tool.name,
  version: tool.version,
});
