import { accessSync, chmodSync, constants, existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { DiagError, messageOf, UsageError } from '../../errors.ts';
import { type Io, print } from '../io.ts';

/** What kubectl starts for `kubectl istio-diag <TAB>`; on Windows a batch file is found by the same name. */
const NAME = 'kubectl_complete-istio_diag';

/** Only a file with these words was written by us. */
const MARK = 'Written by `kubectl istio-diag completion install`; `completion uninstall` deletes it.';

/** What bin/kubectl_complete-istio_diag says of itself. */
const NPM_MARK = 'where npm installed it';

const isWindows = process.platform === 'win32';

const script = (): string =>
  isWindows
    ? `@rem ${MARK}\r\n@kubectl-istio_diag __complete %*\r\n`
    : `#!/bin/sh\n# ${MARK}\ncommand -v kubectl-istio_diag >/dev/null || exit 0\nexec kubectl-istio_diag __complete "$@"\n`;

/**
 * What a shell reads when it starts: kubectl's own completion where that is not there yet, and the script that kubectl asks for our
 * words, put in place once.
 */
const SHELLS = {
  bash: {
    rc: '~/.bashrc',
    line: 'source <(kubectl istio-diag completion bash)',
    text: `type __start_kubectl >/dev/null 2>&1 || source <(kubectl completion bash)
type -P ${NAME} >/dev/null || kubectl istio-diag completion install >/dev/null
`,
  },
  zsh: {
    rc: '~/.zshrc, below compinit',
    line: 'source <(kubectl istio-diag completion zsh)',
    text: `(( $+functions[_kubectl] )) || source <(kubectl completion zsh)
(( $+commands[${NAME}] )) || kubectl istio-diag completion install >/dev/null
`,
  },
  fish: {
    rc: '~/.config/fish/config.fish',
    line: 'kubectl istio-diag completion fish | source',
    text: `functions -q __kubectl_perform_completion; or kubectl completion fish | source
type -q ${NAME}; or kubectl istio-diag completion install >/dev/null
`,
  },
  powershell: {
    rc: '$PROFILE',
    line: 'kubectl istio-diag completion powershell | Out-String | Invoke-Expression',
    text: `if (-not (Test-Path Variable:__kubectlCompleterBlock)) { kubectl completion powershell | Out-String | Invoke-Expression }
if (-not (Get-Command ${NAME} -ErrorAction SilentlyContinue)) { kubectl istio-diag completion install | Out-Null }
`,
  },
} as const;

/** How a shell of this name is told; undefined of one that is not known. */
const shellCalled = (name: string) => (Object.hasOwn(SHELLS, name) ? SHELLS[name as keyof typeof SHELLS] : undefined);

export const ACTIONS = [...(Object.keys(SHELLS) as (keyof typeof SHELLS)[]), 'install', 'uninstall'] as const;

/** Prints what a shell reads, or writes or deletes the script that makes kubectl complete our words. Throws DiagError where it cannot. */
export async function completion(action: string | undefined, dir: string | undefined, io: Io): Promise<void> {
  if (action === undefined) return print(io.stdout, script());
  const shell = shellCalled(action);
  if (shell) {
    const { rc, line, text } = shell;
    return print(io.stdout, `# Completion of kubectl istio-diag. In ${rc}:\n#   ${line}\n${text}`);
  }
  if (action !== 'install' && action !== 'uninstall') {
    throw new UsageError(`completion takes one of ${ACTIONS.join(', ')}, not ${JSON.stringify(action)}`);
  }
  const folder = dir ?? pluginFolder(io.env.PATH ?? '');
  const file = join(folder, isWindows ? `${NAME}.cmd` : NAME);
  const there = textOf(file);
  if (there?.includes(NPM_MARK)) {
    return print(io.stdout, `npm has put ${file} in place, and takes it away with the plugin\n`);
  }
  if (there !== null && !there.includes(MARK)) {
    throw new DiagError(`${file} was not written by \`completion install\`, so it is left as it is`);
  }
  await (action === 'install' ? install(folder, file, io) : uninstall(file, io));
}

/** What lies at `file`: its text, '' for what is no file, null for nothing at all. */
function textOf(file: string): string | null {
  try {
    if (lstatSync(file).isDirectory()) return '';
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new DiagError(`cannot read ${file}: ${messageOf(error)}`);
    return null;
  }
}

async function install(folder: string, file: string, io: Io): Promise<void> {
  if (!existsSync(folder)) throw new DiagError(`there is no folder ${folder}`);
  try {
    // A link that leads nowhere would be written through.
    rmSync(file, { force: true });
    writeFileSync(file, script(), { mode: 0o755, flag: 'wx' });
    chmodSync(file, 0o755);
  } catch (error) {
    throw new DiagError(`cannot write ${file}: ${messageOf(error)}; name a folder of the PATH with --dir`);
  }
  const lines = [
    `wrote ${file}`,
    'kubectl 1.26 and newer now complete `kubectl istio-diag <TAB>`, where its own completion is loaded: kubectl completion --help',
    ...startOf(io.env.SHELL),
    `undo it with: kubectl istio-diag completion uninstall`,
    ...(isOnPath(folder, io.env.PATH ?? '') ? [] : [`${folder} is not on the PATH: kubectl will not find it there`]),
  ];
  await print(io.stdout, `${lines.join('\n')}\n`);
}

/** What the shell that runs is to read when it starts. */
function startOf(path: string | undefined): readonly string[] {
  const [, name = ''] = /([a-z]+)$/.exec(path ?? '') ?? [];
  const shell = shellCalled(name);
  return shell ? [`in every new ${name}: put into ${shell.rc}:  ${shell.line}`] : [];
}

async function uninstall(file: string, io: Io): Promise<void> {
  const was = existsSync(file);
  try {
    rmSync(file, { force: true });
  } catch (error) {
    throw new DiagError(`cannot delete ${file}: ${messageOf(error)}`);
  }
  await print(io.stdout, was ? `deleted ${file}\n` : `there is no ${file}: nothing to undo\n`);
}

const isOnPath = (folder: string, path: string): boolean => path.split(delimiter).includes(folder);

/** The folder of the PATH in which kubectl finds the plugin: krew's bin, npm's, or where it was copied to. */
function pluginFolder(path: string): string {
  const names = isWindows ? ['kubectl-istio_diag.exe', 'kubectl-istio_diag.cmd'] : ['kubectl-istio_diag'];
  const folder = path
    .split(delimiter)
    .find((each) => each !== '' && names.some((name) => isExecutable(join(each, name))));
  if (folder !== undefined) return folder;
  throw new DiagError('there is no kubectl-istio_diag on the PATH: name the folder with --dir');
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
