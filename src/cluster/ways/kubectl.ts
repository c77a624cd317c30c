import { type Patience, within } from './deadline.ts';
import { type End, followed, type Kubectl, type KubectlProcess, spawned } from './kubectl-process.ts';

/**
 * Starts kubectl. No shell; stdin is closed, because a kubectl without credentials would ask for a password
 * (packaging.md 4). `command` is for a container: kubectl reads no flag in it.
 */
export async function startKubectl(
  kubectl: Kubectl,
  args: readonly string[],
  command: readonly string[] = [],
): Promise<KubectlProcess> {
  // Not loaded before it is needed: that takes 9 ms, and what has a head start needs none.
  const { execa } = await import('execa');
  const { program, flags } = kubectl;
  const subprocess = execa(program, [...args, ...flags, ...(command.length > 0 ? ['--', ...command] : [])], {
    stdin: 'ignore',
    buffer: false,
    reject: false,
    cleanup: false,
    extendEnv: false,
    ...spawned(kubectl),
  });
  const ended = subprocess.then(({ exitCode, code }) => ({ exitCode, missing: code === 'ENOENT' }));
  return followed(kubectl, subprocess, ended);
}

/** How a kubectl ended, what it printed, and its last words. */
export interface Ran extends End {
  output: Buffer;
  words: string;
}

/**
 * Runs a kubectl to its end, and reads at most `limit` bytes and one chunk of what it prints. Rejects with Overdue, and
 * has ended it then.
 */
export async function runKubectl(
  kubectl: Kubectl,
  args: readonly string[],
  patience: Patience,
  { command = [], limit = Number.POSITIVE_INFINITY }: { command?: readonly string[]; limit?: number } = {},
): Promise<Ran> {
  const process = await startKubectl(kubectl, args, command);
  try {
    const ended = await within(patience, outputOf(process, limit));
    return { ...ended, words: lastWords(process.stderr()) };
  } finally {
    await process.end();
  }
}

/** Its end may be known before its last words are. */
async function outputOf({ stdout, ended }: KubectlProcess, limit: number): Promise<End & { output: Buffer }> {
  const chunks: Buffer[] = [];
  let length = 0;
  const read = new Promise<void>((resolve) => {
    stdout.on('data', (chunk: Buffer) => {
      if (length <= limit) chunks.push(chunk);
      length += chunk.length;
    });
    for (const event of ['end', 'close', 'error']) stdout.once(event, () => resolve());
  });
  const end = await ended;
  // A program that is not there has no stream to wait for.
  if (!end.missing) await read;
  return { output: Buffer.concat(chunks), ...end };
}

/** Runs a kubectl that has the terminal for itself, and resolves to its exit code: a signal's is 128 and its number. */
export async function handOver(
  { program, flags, env }: Kubectl,
  args: readonly string[],
  command: readonly string[],
  interrupt: AbortSignal,
): Promise<number> {
  const { execa } = await import('execa');
  const { exitCode, signal } = await execa(program, [...args, ...flags, '--', ...command], {
    stdio: 'inherit',
    reject: false,
    extendEnv: false,
    env,
    cancelSignal: interrupt,
  });
  return exitCode ?? (signal === 'SIGINT' ? 130 : 143);
}

/** What kubectl ends with that has asked on the terminal for what its configuration lacks, and where a connection is cut. */
const EOF = 'error: EOF';
const ASKED =
  'kubectl asks for a user name where the user of this context has no credentials (`kubectl config view --minify` shows it), or the connection was cut';

/**
 * kubectl's own last word: the last line of its stderr that is not one of klog's (`E1122 02:54:58 proxy_server.go…`),
 * or else the message of klog's last line that is more than information.
 */
export function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/^I\d{4} /.test(line));
  const spoken = lines.filter((line) => !/^[WEF]\d{4} /.test(line)).at(-1);
  const said = (spoken ?? lines.at(-1)?.replace(/^[WEF]\d{4} [^\]]*\] /, '') ?? '').trim();
  return said === EOF ? `${said}: ${ASKED}` : said;
}
