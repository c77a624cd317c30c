import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { messageOf } from '../../src/errors.ts';
import reporter from '../support/reporter.ts';
import { buildPrograms } from './build.ts';
import { assertAnswers } from './cluster.ts';

// The files that run hear of it too, and end what their tests have started.
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

// Each has a cluster of its own, and waits for it half of the time: two at once, unless they share the one that is named.
const wanted = process.argv.slice(2);
const files = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.e2e.ts') && (wanted.length === 0 || wanted.some((each) => file.startsWith(each))))
  .map((file) => join(import.meta.dirname, file))
  .sort();
const events = run({ files, concurrency: process.env.KUBECONFIG_E2E ? 1 : 2 });
events.once('test:fail', () => {
  process.exitCode = 1;
});
events.compose(reporter).pipe(process.stdout);
