// Bundles src/ into dist/main.cjs, the start, which bin/kubectl-istio-diag and the binaries load, and dist/program/, all
// the rest: cli.cjs, which the start loads, and a file for each part that is loaded when it is first needed. `npm ci` runs
// it as `prepare`. Beside them dist/THIRD-PARTY-LICENSES: the licences of the packages that the bundles hold ask for it;
// and dist/inputs.json, what esbuild says that the bundles are made of.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, transform } from 'esbuild';
import { leanWs } from './lean-ws.mjs';
import { leanYargs } from './lean-yargs.mjs';

/** What both bundles are made with. A stack trace of a bug is read by people: names stay as they are written. */
const common = {
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  minify: false,
  metafile: true,
  logLevel: 'warning',
};

/** An import() would ask Node for a module of the file system; require() is ours to answer (src/program.ts). */
const required = { format: 'cjs', supported: { 'dynamic-import': false } };

/** The start loads the rest when it has done what cannot wait: other files. */
const apart = {
  name: 'apart',
  setup: ({ onResolve }) =>
    void onResolve({ filter: /^\.\/cli\.ts$/, namespace: 'file' }, () => ({
      path: './program/cli.cjs',
      external: true,
    })),
};

const start = await build({
  ...common,
  ...required,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  plugins: [apart],
});

/** Only what differs: a program that runs may be reading it. */
function write(path, text) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
}

// esbuild divides modules of JavaScript only: each file is made one of CommonJS afterwards.
const program = await build({
  ...common,
  entryPoints: ['src/cli.ts'],
  outdir: 'dist/program',
  format: 'esm',
  splitting: true,
  write: false,
  plugins: [leanWs, leanYargs],
});
mkdirSync('dist/program', { recursive: true });
for (const { path, text } of program.outputFiles) {
  // Which file each part is of: esbuild leaves such comments out when it reads them, unless they are somebody's rights.
  const said = text.replace(/^\/\/ (?=\S+\.\w+$)/gm, '//! ');
  const { code } = await transform(said, { ...required, platform: 'node', target: 'node20', legalComments: 'inline' });
  // esbuild makes it an empty object, and says nothing.
  const [lost] = /import_meta\.(?!resolve\b)\w+/.exec(code) ?? [];
  if (lost !== undefined) throw new Error(`${path} asks for ${lost}, which no file of CommonJS has`);
  write(path, code);
}
const names = program.outputFiles.map(({ path }) => basename(path));
for (const old of readdirSync('dist/program'))
  if (!names.includes(old)) rmSync(join('dist/program', old), { force: true });

const inputs = { ...start.metafile.inputs, ...program.metafile.inputs };
writeFileSync('dist/inputs.json', JSON.stringify({ ...start.metafile.outputs, ...program.metafile.outputs }));
const folders = Object.keys(inputs).map((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
const licences = [...new Set(folders.filter((folder) => folder !== undefined))].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? `Licence: ${license}\n` : readFileSync(`${folder}/${file}`, 'utf8');
  return `${name} ${version}\n\n${text.trim()}\n`;
});
writeFileSync('dist/THIRD-PARTY-LICENSES', licences.join(`\n${'-'.repeat(72)}\n\n`));
