import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { withMesh } from './mesh.ts';
import { BINARY, started } from './user.ts';

const BASH_COMPLETION = '/usr/share/bash-completion/bash_completion';

/** The shells as their users have them: kubectl's own completion loaded, and a prompt that tells when they are ready. */
const SHELLS = {
  bash: {
    command: 'bash --norc --noprofile -i',
    setUp: `source ${BASH_COMPLETION}; source <(kubectl completion bash); bind 'set enable-bracketed-paste off'; bind 'set show-all-if-ambiguous on'; bind 'set completion-query-items 0'; bind 'set page-completions off'`,
  },
  zsh: {
    command: 'zsh -f -i',
    setUp:
      'autoload -Uz compinit; compinit -u -D; source <(kubectl completion zsh); LISTMAX=0; unsetopt zle_bracketed_paste',
  },
} as const;

/** The same of shells that read only what `completion SHELL` prints. */
const PRINTED = {
  bash: {
    command: SHELLS.bash.command,
    setUp: SHELLS.bash.setUp.replace('kubectl completion bash', 'kubectl istio-diag completion bash'),
  },
  zsh: {
    command: SHELLS.zsh.command,
    setUp: SHELLS.zsh.setUp.replace('kubectl completion zsh', 'kubectl istio-diag completion zsh'),
  },
  fish: { command: 'fish --no-config -i', setUp: 'kubectl istio-diag completion fish | source' },
} as const;

interface Shell {
  command: string;
  setUp: string;
}

/** Types into a real shell on a terminal of its own: `line`, TAB twice, and Ctrl-C. Resolves to what the terminal showed. */
async function typed(
  { command, setUp }: Shell,
  line: string,
  words: readonly RegExp[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  // util-linux' script gives a terminal to a program whose stdin is a pipe.
  const child = spawn('script', ['-qfec', `stty cols 200 rows 200; exec ${command}`, '/dev/null'], {
    env: { ...process.env, PS1: '', TERM: 'dumb', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let shown = '';
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  /** Waits up to `seconds` for all words in what was shown from here on. */
  const shows = async (wanted: readonly RegExp[], seconds: number, from = 0): Promise<boolean> => {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      if (wanted.every((word) => word.test(shown.slice(from)))) return true;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  };
  child.stdin.write(`${setUp}; echo set''up\n`);
  assert.ok(await shows([/^setup/m], 30), `${command} is not ready: ${shown}`);
  const from = shown.length;
  child.stdin.write(`${line}\t`);
  // One word is put into the line at once; several are listed after the second.
  if (!(await shows(words, 6, from))) {
    child.stdin.write('\t');
    await shows(words, 10, from);
  }
  const answer = shown.slice(from);
  child.stdin.write('\x03\nexit\n');
  child.stdin.end();
  await ended;
  return answer;
}

for (const shell of ['bash', 'zsh'] as const) {
  describe(`TAB in ${shell}`, () => {
    const cluster = withMesh('istio-1.0.6/healthy');
    let folder = '';
    let env: NodeJS.ProcessEnv = {};
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'tab-'));
      symlinkSync(BINARY, join(folder, 'kubectl-istio_diag'));
      env = { PATH: `${folder}:${process.env.PATH}`, KUBECONFIG: cluster().kubeconfig, HOME: folder };
      const { code, stderr } = await started('kubectl', ['istio-diag', 'completion', 'install'], env);
      assert.deepEqual([code, stderr, existsSync(join(folder, 'kubectl_complete-istio_diag'))], [0, '', true]);
      writeFileSync(join(folder, '.zshrc'), '');
    });
    after(() => rmSync(folder, { recursive: true }));

    for (const [line, words] of [
      ['kubectl istio-diag miss', [/missing-metrics/]],
      ['kubectl istio-diag ', [/missing-metrics/, /(?<!-)\bmetrics\b/, /explain/, /completion/]],
      ['kubectl istio-diag missing-metrics --sa', [/--save-bundle/, /--sample/]],
      ['kubectl istio-diag missing-metrics -n b', [/-n bookinfo/]],
      ['kubectl istio-diag missing-metrics --namespace istio-s', [/istio-system/]],
      ['kubectl istio-diag missing-metrics -o j', [/-o json/]],
    ] as const) {
      it(`completes ${line}`, async () => {
        const shown = await typed(SHELLS[shell], line, words, env);
        for (const word of words) assert.match(shown, word);
      });
    }

    it('completes the name of a context', async () => {
      const { stdout } = await started('kubectl', ['config', 'current-context'], env);
      const name = new RegExp(stdout.trim().replace(/[^\w-]/g, '.'));
      assert.match(await typed(SHELLS[shell], 'kubectl istio-diag missing-metrics --context ', [name], env), name);
    });
  });
}

for (const [shell, how] of Object.entries(PRINTED)) {
  describe(`TAB in ${shell}, which reads what \`completion ${shell}\` prints`, () => {
    const cluster = withMesh('istio-1.0.6/healthy');
    let folder = '';
    let env: NodeJS.ProcessEnv = {};
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'tab-'));
      symlinkSync(BINARY, join(folder, 'kubectl-istio_diag'));
      env = { PATH: `${folder}:${process.env.PATH}`, KUBECONFIG: cluster().kubeconfig, HOME: folder };
      writeFileSync(join(folder, '.zshrc'), '');
    });
    after(() => rmSync(folder, { recursive: true }));

    it('completes topics, flags and namespaces', async () => {
      for (const [line, words] of [
        ['kubectl istio-diag miss', [/missing-metrics/]],
        ['kubectl istio-diag missing-metrics --sa', [/--save-bundle/, /--sample/]],
        ['kubectl istio-diag missing-metrics -n b', [/bookinfo/]],
      ] as const) {
        // On a terminal that cannot move its cursor fish lists nothing.
        const shown = await typed(how, line, words, shell === 'fish' ? { ...env, TERM: 'xterm' } : env);
        for (const word of words) assert.match(shown, word);
      }
      assert.ok(existsSync(join(folder, 'kubectl_complete-istio_diag')));
    });
  });
}
