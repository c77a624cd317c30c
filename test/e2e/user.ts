import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binaryPath } from '../../src/build/binary.ts';
import { hostTarget } from '../../src/build/targets.ts';
import type { Report } from '../../src/report/document.ts';
import { type Ended, leftWith, started as startedAlone } from '../support/started.ts';
import { BIN } from './build.ts';
import { tryHints } from './tried.ts';

const root = join(import.meta.dirname, '../..');

/** The built program for this machine. */
export const BINARY = join(root, binaryPath(hostTarget()));

/** A folder with the link that kubectl looks for, as krew makes it. */
function linkFolder(): string {
  const folder = join(BIN, 'path');
  const link = join(folder, 'kubectl-istio_diag');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(link)) {
    rmSync(link, { force: true });
    symlinkSync(BINARY, link);
  }
  return folder;
}

/** A program, with the plugin on its PATH. */
export const started = (
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  act?: (child: ChildProcess) => void,
): Promise<Ended> => startedAlone(program, args, { PATH: `${linkFolder()}:${process.env.PATH}`, ...env }, act);

/** `kubectl istio-diag ARGS`, the built program through the real kubectl. */
export const plugin = (
  kubeconfig: string,
  args: readonly string[],
  act?: (child: ChildProcess) => void,
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> => started('kubectl', ['istio-diag', ...args], { KUBECONFIG: kubeconfig, ...env }, act);

/** Starts a program on a cluster, with the plugin on its PATH and the release's own programs. */
export const runOn =
  (kubeconfig: string) =>
  (program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> =>
    startedAlone(program, args, {
      ...env,
      KUBECONFIG: kubeconfig,
      PATH: `${linkFolder()}:${BIN}:${process.env.PATH}`,
    });

/** `kubectl istio-diag ARGS -o json | jq .`, its report, and its own exit code. The lines that it says to type are tried. */
export async function report(
  kubeconfig: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended & { report: Report }> {
  // jq -s: more than one document would be a longer list.
  const line = 'set -o pipefail; kubectl istio-diag "$@" -o json | jq -s .';
  const ended = await started('bash', ['-c', line, 'bash', ...args], { KUBECONFIG: kubeconfig, ...env });
  const documents = JSON.parse(ended.stdout) as Report[];
  assert.equal(documents.length, 1, `one document, not ${documents.length}: ${ended.stderr}`);
  const [only] = documents as [Report];
  assert.equal(ended.code, only.exitCode, ended.stderr);
  if (existsSync(kubeconfig)) await tryHints(runOn(kubeconfig), only);
  return { ...ended, report: only };
}

/** Runs `use` with a temporary folder for the program, and asserts that nothing is left: no process, no file. */
export async function leavingNothing<T>(use: (env: { TMPDIR: string }) => Promise<T>): Promise<T> {
  const TMPDIR = mkdtempSync(join(tmpdir(), 'left-'));
  try {
    const result = await use({ TMPDIR });
    // A process that was killed a moment ago may still be listed.
    for (let attempt = 0; attempt < 100 && leftWith('TMPDIR', TMPDIR).length > 0; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual([leftWith('TMPDIR', TMPDIR), readdirSync(TMPDIR)], [[], []]);
    return result;
  } finally {
    rmSync(TMPDIR, { recursive: true });
  }
}

/** The statuses and reasons of a report's checks, by their ids. */
export const checksOf = ({ steps }: Report) =>
  new Map(steps.flatMap(({ checks }) => checks).map((check) => [check.id, check]));
