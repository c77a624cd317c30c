import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { withMesh } from './mesh.ts';
import { BINARY } from './user.ts';

/** What somebody types who has just installed the plugin, and what is to be seen; in a real terminal of 80 columns. */
const SESSION: readonly [line: string, seen: readonly RegExp[]][] = [
  ['kubectl istio-diag', [/Walks Istio/, /\nExamples:\r?\n/, /Topics, as the guide has them:/, /missing-metrics/]],
  ['kubectl istio-diag mising-metrics', [/error: unknown topic "mising-metrics"; did you mean missing-metrics\?/]],
  [
    'kubectl istio-diag missing-metrics',
    [/FAIL ✖/, /CAUSE.* {2}HandlerMissing: /, /FIX .*shipped 1\.0\.6 handler/, /BROKEN/, /exit 1/],
  ],
  ['kubectl istio-diag explain HandlerMissing', [/HandlerMissing {2}of prometheus-handler-exists/, /How it is judged/]],
  ['kubectl istio-diag missing-metrics --plan -q', [/PLAN {2}\(nothing was applied\)/, /\+kind: prometheus\b/]],
  ['kubectl istio-diag shipped 1.0.6 handler | kubectl apply -f -', [/prometheus\.config\.istio\.io\/handler created/]],
  ['kubectl istio-diag missing-metrics -o short', [/^missing-metrics: /m, /Mesh {2}Istio 1\.0\.6/]],
  [
    'kubectl istio-diag completion install',
    [/wrote \S+kubectl_complete-istio_diag/, /~\/\.bashrc: {2}source <\(kubectl istio-diag completion bash\)/],
  ],
  ['kubectl __complete istio-diag miss', [/missing-metrics\tFind the hop/]],
];

describe('the first minutes of a new user', () => {
  const cluster = withMesh('istio-1.0.6/handler-missing');

  it('lead from help by a typo to the fix, on a terminal', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'session-'));
    symlinkSync(BINARY, join(folder, 'kubectl-istio_diag'));
    // util-linux' script gives a terminal to a program whose stdin is a pipe.
    const child = spawn('script', ['-qfec', 'stty cols 80 rows 200; exec bash --norc --noprofile -i', '/dev/null'], {
      env: {
        ...process.env,
        PATH: `${folder}:${process.env.PATH}`,
        KUBECONFIG: cluster().kubeconfig,
        HOME: folder,
        SHELL: '/bin/bash',
        LANG: 'C.UTF-8',
        TERM: 'xterm-256color',
        PS1: '',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 80_000,
      killSignal: 'SIGKILL',
    });
    try {
      let shown = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        shown += chunk;
      });
      child.stdin.on('error', () => undefined);
      child.stdin.write("bind 'set enable-bracketed-paste off'\n");
      for (const [index, [line, seen]] of SESSION.entries()) {
        const from = shown.length;
        const end = new RegExp(`^ended-${index}`, 'm');
        child.stdin.write(`${line}; echo ended-"${index}"\n`);
        for (const until = Date.now() + 30_000; Date.now() < until && !end.test(shown.slice(from)); )
          await new Promise((resolve) => setTimeout(resolve, 50));
        const answer = shown.slice(from).replaceAll('\r', '');
        for (const words of seen) assert.match(answer, words, line);
      }
      // Colors are the terminal's.
      assert.ok(shown.includes('\x1b[31m'));
    } finally {
      child.stdin.end('exit\n');
      await new Promise((resolve) => child.once('close', resolve));
      rmSync(folder, { recursive: true });
    }
  });
});
