import { UsageError } from '../../errors.ts';
import { guide } from '../../guide/index.ts';
import { API_VERSION, DATA, dataText } from '../../report/data.ts';
import { type Command, WORD } from '../command.ts';
import { COMMANDS, flagsOf } from '../flags.ts';
import { print } from '../io.ts';
import { formatAmong } from '../options.ts';

export const topicsCommand: Command = (io) => ({
  command: 'topics',
  describe: COMMANDS.topics,
  builder: (command) => command.options(flagsOf('topics')),
  async handler({ output }) {
    const format = formatAmong(output, ['text', 'name', ...DATA]);
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
    const format = formatAmong(output, ['text', ...DATA]);
    const { explainedWords, explanations } = await import('./explain.ts');
    if (list === true) {
      const items = await explainedWords();
      const lines = items.map((each) => `${each}\n`).join('');
      return print(
        io.stdout,
        format === 'text' ? lines : await dataText({ apiVersion: API_VERSION, kind: 'WordList', items }, format),
      );
    }
    if (typeof word !== 'string')
      throw new UsageError('name a word: `kubectl istio-diag explain --list` has all of them');
    const found = await explanations(word);
    const items = found.map(({ meaning }) => meaning);
    await print(
      io.stdout,
      format === 'text'
        ? `${found.map(({ text }) => text).join('\n\n')}\n`
        : await dataText({ apiVersion: API_VERSION, kind: 'ExplanationList', items }, format),
    );
  },
});
