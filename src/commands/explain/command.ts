import { UsageError } from '../../errors.ts';
import { guide } from '../../guide/index.ts';
import { DATA, dataText } from '../../report/data.ts';
import { type Command, WORD } from '../command.ts';
import { COMMANDS, flagsOf } from '../flags.ts';
import { print } from '../io.ts';
import { formatAmong } from '../options.ts';

export const topicsCommand: Command = (io) => ({
  command: 'topics',
  describe: COMMANDS.topics,
  builder: (command) => command.options(flagsOf('topics')),
  async handler({ output }) {
    const format = formatAmong(output, ['text', 'name', ...DATA], 'topics');
    const { topicsData, topicsText } = await import('./explain.ts');
    if (format === 'text') await print(io.stdout, await topicsText());
    else if (format === 'name') await print(io.stdout, guide.map(({ id }) => `${id}\n`).join(''));
    else await print(io.stdout, await dataText(await topicsData(), format));
  },
});

export const explainCommand: Command = (io) => ({
  command: 'explain [word]',
  describe: COMMANDS.explain,
  builder: (command) => command.positional('word', WORD).options(flagsOf('explain')),
  async handler({ word, output, list }) {
    const format = formatAmong(output, ['text', ...DATA], 'explain');
    const { explainedWords, explanations } = await import('./explain.ts');
    if (list === true) return print(io.stdout, (await explainedWords()).map((each) => `${each}\n`).join(''));
    if (typeof word !== 'string')
      throw new UsageError('name a word: `kubectl istio-diag explain --list` has all of them');
    const found = await explanations(word);
    const items = found.map(({ meaning }) => meaning);
    await print(
      io.stdout,
      format === 'text'
        ? `${found.map(({ text }) => text).join('\n\n')}\n`
        : await dataText({ apiVersion: 'istio-diag/v1alpha1', kind: 'ExplanationList', items }, format),
    );
  },
});
