import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { loadRecording } from '../support/recordings.ts';
import { BIN, buildPrograms } from './build.ts';
import { startCluster } from './cluster.ts';
import { load } from './load.ts';

/**
 * `npm run e2e:up -- istio-1.0.6/handler-missing`: a cluster to try by hand, in the background; prints its KUBECONFIG.
 * `npm run e2e:down` takes it down, and leaves nothing. Without a recording it holds nothing: for KUBECONFIG_E2E.
 */
const STATE = join(BIN, 'up.json');

interface State {
  pid: number;
  kubeconfig: string;
}

const [action, recording] = process.argv.slice(2);

function running(): State | null {
  if (!existsSync(STATE)) return null;
  const state = JSON.parse(readFileSync(STATE, 'utf8')) as State;
  try {
    process.kill(state.pid, 0);
    return state;
  } catch {
    rmSync(STATE);
    return null;
  }
}

async function up(): Promise<void> {
  const already = running();
  if (already) throw new Error(`one is up: export KUBECONFIG=${already.kubeconfig} (npm run e2e:down)`);
  if (recording !== undefined) loadRecording(recording);
  buildPrograms();
  const log = join(BIN, 'up.log');
  const words = openSync(log, 'w');
  const args = [...process.execArgv, import.meta.filename, 'serve', ...(recording === undefined ? [] : [recording])];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', words, words] });
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  while (!existsSync(STATE)) {
    if (ended) throw new Error(readFileSync(log, 'utf8').trim().split('\n')[0]);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.unref();
  process.stdout.write(`export KUBECONFIG=${(running() as State).kubeconfig}\n`);
}

async function serve(): Promise<void> {
  const ended = new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  const cluster = await startCluster();
  try {
    const unload = recording === undefined ? async () => undefined : await load(cluster, loadRecording(recording));
    writeFileSync(`${STATE}.new`, JSON.stringify({ pid: process.pid, kubeconfig: cluster.kubeconfig } satisfies State));
    renameSync(`${STATE}.new`, STATE);
    const alive = setInterval(() => undefined, 60_000);
    await ended;
    clearInterval(alive);
    await unload();
  } finally {
    await cluster.close();
    rmSync(STATE, { force: true });
  }
}

async function down(): Promise<void> {
  const state = running();
  if (!state) throw new Error('none is up');
  process.kill(state.pid, 'SIGTERM');
  while (existsSync(STATE)) await new Promise((resolve) => setTimeout(resolve, 100));
}

try {
  await { up, serve, down }[action as 'up' | 'serve' | 'down']();
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
