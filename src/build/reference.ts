import { explainedWords, explanations } from '../commands/explain/explain.ts';
import { COMMANDS } from '../commands/flags.ts';
import { helpText } from '../commands/help/help.ts';
import { guide } from '../guide/index.ts';
import { plain } from '../report/style.ts';
import { tool } from '../version.ts';

/** How wide the texts are that are put in as they are printed. */
const STYLE = { width: 78, colour: false, ascii: false };

/** A part of the manual: what stands above it, and what is printed. */
interface Part {
  title: string;
  text: string;
}

/** The help of every topic and command, as --help prints it. */
async function commandParts(): Promise<readonly Part[]> {
  const names = [...guide.map(({ id }) => id), ...Object.keys(COMMANDS)];
  return Promise.all(names.map(async (name) => ({ title: name, text: await helpText([name], STYLE) })));
}

/** Every word that is explained, as `explain` prints it, in the order of `explain --list`. */
async function wordParts(): Promise<readonly Part[]> {
  const words = await explainedWords();
  return Promise.all(
    words.map(async (word) => ({ title: word, text: (await explanations(word)).map(({ text }) => text).join('\n\n') })),
  );
}

/** A line as roff prints it literally. */
const literal = (line: string): string =>
  line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&');

const roff = (text: string): string =>
  [
    '.nf',
    ...plain({ ...STYLE, ascii: true }, text.trimEnd())
      .split('\n')
      .map(literal),
    '.fi',
  ].join('\n');

const page = (name: string, section: number, summary: string, parts: readonly Part[]): string =>
  [
    `.TH ${name.toUpperCase()} ${section} "" "${tool.name} ${tool.version}" "kubectl istio\\-diag"`,
    '.SH NAME',
    `${literal(name)} \\- ${literal(plain({ ...STYLE, ascii: true }, summary))}`,
    ...parts.flatMap(({ title, text }) => [`.SH "${literal(title)}"`, roff(text)]),
    '',
  ].join('\n');

const markdown = (parts: readonly Part[]): string =>
  parts.map(({ title, text }) => `### \`${title}\`\n\n\`\`\`\n${text.trimEnd()}\n\`\`\`\n`).join('\n');

/** The manual by the names of its files: two man pages, and all of it in Markdown. The texts are those that the program prints. */
export async function manual(): Promise<Readonly<Record<string, string>>> {
  const [first, commands, words] = await Promise.all([helpText([], STYLE), commandParts(), wordParts()]);
  return {
    'kubectl-istio_diag.1': page('kubectl-istio_diag', 1, 'find what is broken in an Istio mesh', [
      { title: 'DESCRIPTION', text: first },
      ...commands,
    ]),
    'kubectl-istio_diag.7': page('kubectl-istio_diag', 7, 'what the words of kubectl istio-diag mean', words),
    'reference.md': [
      `# kubectl istio-diag ${tool.version}\n`,
      `\`\`\`\n${first.trimEnd()}\n\`\`\`\n`,
      '## Topics and commands\n',
      markdown(commands),
      '## Words\n',
      markdown(words),
    ].join('\n'),
  };
}
