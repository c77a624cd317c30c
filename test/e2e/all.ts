import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { buildPrograms } from './build.ts';
import { assertAnswers } from './cluster.ts';

// `exit` handlers end what the tests have started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const root = join(import.meta.dirname, '../..');

try {
  if (process.env.KUBECONFIG_E2E) assertAnswers(process.env.KUBECONFIG_E2E);
  // Real programs, built from their Go modules, and ours as it ships.
  buildPrograms();
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  process.exit(1);
}

// One after another: each has a cluster of its own. `npm run e2e -- krew` runs one file.
const wanted = process.argv.slice(2);
const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.e2e.ts'));
for (const file of files.sort()) {
  if (wanted.length === 0 || wanted.some((each) => file.startsWith(each)))
    await import(join(import.meta.dirname, file));
}
