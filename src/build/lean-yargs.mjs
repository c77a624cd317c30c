// Two pieces of yargs are replaced in the bundle: how it meets its platform, and how it lays out text. Its own look for a
// package.json and for ../locales/en.json beside the program, which may be a folder that others write to; load assert,
// and compile a table of emoji for a help text that has none. That is a third of the time that --help takes.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

const PLATFORM = `
import cliui from 'cliui';
import Parser from 'yargs-parser';
import { getProcessArgvBin } from '../../build/lib/utils/process-argv.js';

const fill = (text, values) => text.replace(/%s/g, () => values.shift() ?? '');
const none = () => undefined;

export default {
  assert: { notStrictEqual: none, strictEqual: none },
  cliui,
  findUp: none,
  getEnv: (name) => process.env[name],
  inspect: String,
  getProcessArgvBin,
  mainFilename: '',
  Parser,
  path: { basename: String, dirname: String, extname: String, relative: String, resolve: String, join: String },
  process: {
    argv: () => process.argv,
    cwd: () => process.cwd(),
    emitWarning: none,
    execPath: () => process.execPath,
    exit: none,
    nextTick: process.nextTick,
    stdColumns: null,
  },
  readFileSync: none,
  readdirSync: () => [],
  require: none,
  getCallerFile: () => '',
  stringWidth: (text) => text.length,
  y18n: {
    __: (text, ...values) => fill(text, values),
    __n: (one, many, count, ...values) => fill(count === 1 ? one : many, values),
    getLocale: () => 'en',
    setLocale: none,
    updateLocale: none,
  },
};
`;

const LAYOUT = `
import { cliui } from './build/lib/index.js';

const wrapLine = (line, width) => {
  const rows = [''];
  for (const word of line.split(' ')) {
    const row = rows.at(-1);
    const longer = row === '' ? word : row + ' ' + word;
    if (row !== '' && longer.length > width) rows.push(word);
    else rows[rows.length - 1] = longer;
  }
  return rows.join('\\n');
};

export default (options) =>
  cliui(options, {
    stringWidth: (text) => text.length,
    stripAnsi: String,
    wrap: (text, width) => text.split('\\n').map((line) => wrapLine(line, width)).join('\\n'),
  });
`;

/** The esbuild plugin. Fails where yargs no longer has these files. */
export const leanYargs = {
  name: 'lean-yargs',
  setup(build) {
    const replaced = new Set();
    const replace = (filter, original, contents) =>
      build.onLoad({ filter }, ({ path }) => {
        if (!readFileSync(path, 'utf8').includes(original)) throw new Error(`${path} is not what it was`);
        replaced.add(contents);
        return { contents, resolveDir: dirname(path), loader: 'js' };
      });
    replace(/yargs\/lib\/platform-shims\/esm\.mjs$/, 'directory: resolve(__dirname', PLATFORM);
    replace(/cliui\/index\.mjs$/, 'wrap: wrapAnsi', LAYOUT);
    build.onEnd(() => {
      if (replaced.size !== 2) throw new Error('yargs has moved the files that src/build/lean-yargs.mjs replaces');
    });
  },
};
