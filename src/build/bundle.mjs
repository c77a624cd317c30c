// Bundles src/ into dist/main.cjs, the start, which bin/kubectl-istio-diag and the binaries load, and dist/cli.cjs, all
// the rest, which the start loads. `npm ci` runs it as `prepare`. Beside them dist/THIRD-PARTY-LICENSES: the licences of
// the packages that the bundles hold ask for it; and dist/inputs.json, what esbuild says that the bundles are made of.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { leanWs } from './lean-ws.mjs';
import { leanYargs } from './lean-yargs.mjs';

/** The start loads the rest when it has done what cannot wait: another file. */
const apart = {
  name: 'apart',
  setup: ({ onResolve }) =>
    void onResolve({ filter: /^\.\/cli\.ts$/, namespace: 'file' }, () => ({ path: './cli.cjs', external: true })),
};

const { metafile } = await build({
  entryPoints: ['src/main.ts', 'src/cli.ts'],
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // A stack trace of a bug is read by people: names stay as they are written.
  minify: false,
  // An import() would ask Node for a module of the file system; require() is ours to answer (src/program.ts).
  supported: { 'dynamic-import': false },
  plugins: [apart, leanWs, leanYargs],
  define: { 'import.meta.url': '__filename_url' },
  banner: { js: "const __filename_url = require('node:url').pathToFileURL(__filename).href;" },
  metafile: true,
  logLevel: 'warning',
});

writeFileSync('dist/inputs.json', JSON.stringify(metafile.outputs));
const folders = Object.keys(metafile.inputs).map((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
const licences = [...new Set(folders.filter((folder) => folder !== undefined))].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? `Licence: ${license}\n` : readFileSync(`${folder}/${file}`, 'utf8');
  return `${name} ${version}\n\n${text.trim()}\n`;
});
writeFileSync('dist/THIRD-PARTY-LICENSES', licences.join(`\n${'-'.repeat(72)}\n\n`));
