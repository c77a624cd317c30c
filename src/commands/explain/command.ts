import type { Command } from '../command.ts';
import { COMMANDS } from '../flags.ts';
import { print } from '../io.ts';

export const topicsCommand: Command = (io) => ({
  command: 'topics',
  describe: COMMANDS.topics,
  async handler() {
    const { topicsText } = await import('./explain.ts');
    await print(io.stdout, await topicsText());
  },
});

export const explainCommand: Command = (io) => ({
  command: 'explain <word>',
  describe: COMMANDS.explain,
  builder: (command) =>
    command
      .usage('$0 explain WORD')
      .positional('word', { type: 'string', describe: 'A topic, a step, a check, a reason or a word of the report' })
      .example('$0 explain HandlerMissing', 'a reason')
      .example('$0 explain handler-labels-match', 'a check')
      .example('$0 explain since', 'a word of the report'),
  async handler({ word }) {
    const { explanation } = await import('./explain.ts');
    await print(io.stdout, await explanation(String(word)));
  },
});
