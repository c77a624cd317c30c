// Pieces of yargs are replaced in the bundle: how it meets its platform, how it lays out text, how its parser reads a file of
// settings, and the help that it lays out beside every command. Its own look for a package.json and for ../locales/en.json
// beside the program, which may be a folder that others write to; load assert, and compile a table of emoji for a help text
// that has none. That is a third of the time that --help takes, and a tenth of version's.
import { lean } from './lean.mjs';

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

const REQUIRE = 'createRequire ? createRequire(import.meta.url) : undefined';
const IMPORT = "import { createRequire } from 'node:module';";

const HELP = 'cachedHelpMessage = this.help();';

export const leanYargs = lean('yargs', {
  // There are no such files.
  'yargs-parser/build/lib/index.js': {
    holds: [REQUIRE, IMPORT],
    becomes: (text) => text.replace(REQUIRE, 'undefined').replace(IMPORT, ''),
  },
  // Help is our own (commands/help/).
  'yargs/build/lib/usage.js': { holds: [HELP], becomes: (text) => text.replace(HELP, '') },
  'yargs/lib/platform-shims/esm.mjs': { holds: ['directory: resolve(__dirname'], becomes: () => PLATFORM },
  'cliui/index.mjs': { holds: ['wrap: wrapAnsi'], becomes: () => LAYOUT },
});
