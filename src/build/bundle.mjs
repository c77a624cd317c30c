// Bundles src/ into dist/cli.cjs, the one file that bin/kubectl-istio-diag loads. `npm ci` runs it as `prepare`.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/cli.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // A stack trace of a bug is read by people: names stay as they are written.
  minify: false,
  // yargs finds its locale files beside itself; bundled it has none and speaks English, which is what we want.
  define: { 'import.meta.url': '__filename_url' },
  banner: { js: "const __filename_url = require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'warning',
});
