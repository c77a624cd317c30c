import { execa } from 'execa';

/** kubectl as the user has it: which program, and the connection flags that go to every process of it. */
export interface Kubectl {
  program: string;
  flags: readonly string[];
}

/** A running kubectl. */
export interface KubectlProcess {
  /** Resolves when the process is gone, never rejects. `missing` says that there is no such program. */
  ended: Promise<{ exitCode: number | undefined; missing: boolean }>;
  stdout: NodeJS.ReadableStream;
  /** What it wrote to stderr so far, its last 64 KB. */
  stderr(): string;
  /** Ends it and what it started, and resolves when it is gone, or after 1 s. */
  end(): Promise<void>;
  /** Ends it and what it started, by force and without waiting. */
  kill(): void;
}

/** All that are running, so that a handler of `exit` can end them too. */
const running = new Set<KubectlProcess>();

// On every way out, also one that waits for nothing.
process.on('exit', () => {
  for (const each of running) each.kill();
});

/** Ends every kubectl that is still there. */
export const endAllKubectl = async (): Promise<void> => {
  await Promise.all([...running].map((process) => process.end()));
};

/**
 * Starts kubectl. No shell; stdin is closed, because a kubectl without credentials would ask for a password
 * (packaging.md 4). `command` is for a container: kubectl reads no flag in it.
 */
export function startKubectl(
  { program, flags }: Kubectl,
  args: readonly string[],
  command: readonly string[] = [],
): KubectlProcess {
  const subprocess = execa(program, [...args, ...flags, ...(command.length > 0 ? ['--', ...command] : [])], {
    stdin: 'ignore',
    buffer: false,
    reject: false,
    // A group of its own: a kubectl may be a wrapper whose child would outlive it, and hold its pipes.
    detached: process.platform !== 'win32',
    cleanup: false,
    windowsHide: true,
  });
  const kill = (): void => {
    const { pid } = subprocess;
    if (pid === undefined || !running.has(started)) return;
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  let words = '';
  subprocess.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    words = (words + chunk).slice(-65_536);
  });
  const started: KubectlProcess = {
    ended: subprocess.then((result) => {
      running.delete(started);
      return { exitCode: result.exitCode, missing: result.code === 'ENOENT' };
    }),
    stdout: subprocess.stdout,
    stderr: () => words,
    async end() {
      // By force: kubectl holds nothing that the system does not close, and asked kindly it takes 9 ms, or forever.
      kill();
      if (await settledWithin(1000, started.ended)) return;
      subprocess.stdout.destroy();
      subprocess.stderr.destroy();
      running.delete(started);
    },
    kill,
  };
  running.add(started);
  return started;
}

/** All that a kubectl prints, at most `limit` bytes and one chunk: its end may be known before its last words are. */
export async function outputOf(
  { stdout, ended }: KubectlProcess,
  limit = Number.POSITIVE_INFINITY,
): Promise<{ output: Buffer; exitCode: number | undefined; missing: boolean }> {
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
  { program, flags }: Kubectl,
  args: readonly string[],
  command: readonly string[],
  interrupt: AbortSignal,
): Promise<number> {
  const { exitCode, signal } = await execa(program, [...args, ...flags, '--', ...command], {
    stdio: 'inherit',
    reject: false,
    cancelSignal: interrupt,
  });
  return exitCode ?? (signal === 'SIGINT' ? 130 : 143);
}

/** Whether `promise` settles within `milliseconds`. */
async function settledWithin(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * kubectl's own last word: the last line of its stderr that is not one of klog's (`E1122 02:54:58 proxy_server.go…`),
 * or else the message of klog's last line.
 */
export function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const spoken = lines.filter((line) => !/^[IWEF]\d{4} /.test(line)).at(-1);
  return (spoken ?? lines.at(-1)?.replace(/^[IWEF]\d{4} [^\]]*\] /, '') ?? '').trim();
}
