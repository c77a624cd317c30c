// `node src/build/compile.ts FOLDER FILE...`, on the Node that ships: writes beside each source what Node compiles of it,
// all of it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { compiledOf, scriptOf } from '../program.ts';

const [, , folder = '', ...files] = process.argv;
setFlagsFromString('--no-lazy');
const scripts = files.map((file) => ({
  compiled: join(folder, compiledOf(file)),
  script: scriptOf(file, readFileSync(join(folder, file)), undefined),
}));
// The flags are written too, and Node refuses code of others than its own.
setFlagsFromString('--lazy');
for (const { compiled, script } of scripts) writeFileSync(compiled, script.createCachedData());
