import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

/** kubectl as the user has it: which program, the connection flags that go to every process of it, its environment. */
export interface Kubectl {
  program: string;
  flags: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
}

/** How a kubectl ended: by which exit code, or because there is no such program. */
export interface End {
  exitCode: number | undefined;
  missing: boolean;
}

/** A running kubectl. */
export interface KubectlProcess {
  /** Resolves when the process is gone, never rejects. */
  ended: Promise<End>;
  stdout: NodeJS.ReadableStream;
  /** What it wrote to stderr so far, its last 64 KB. */
  stderr(): string;
  /** Ends it and what it started, and resolves when it is gone, or after 1 s. */
  end(): Promise<void>;
  /** Ends it and what it started, by force and without waiting. */
  kill(): void;
}

/** All that are running, and for whom. */
const running = new Map<KubectlProcess, Kubectl>();

// On every way out, also one that waits for nothing.
process.on('exit', () => {
  for (const each of running.keys()) each.kill();
});

/** Ends every process of this kubectl that is still there; another run's are its own. */
export const endAllOf = async (kubectl: Kubectl): Promise<void> => {
  const own = [...running].filter(([, owner]) => owner === kubectl);
  await Promise.all(own.map(([process]) => process.end()));
};

/** How a kubectl is started, by whatever starts it. */
export const spawned = ({ env }: Kubectl) =>
  ({
    // A group of its own: a kubectl may be a wrapper whose child would outlive it, and hold its pipes.
    detached: process.platform !== 'win32',
    windowsHide: true,
    // Go collects garbage five times while a kubectl starts: a sixth of that time, for 5 MB of memory.
    env: { ...env, GOGC: env.GOGC || '400' },
  }) as const;

/** A process of `kubectl` that was started just now. `ended` resolves when it is gone. */
export function followed(
  kubectl: Kubectl,
  child: Pick<ChildProcessByStdio<null, Readable, Readable>, 'pid' | 'stdout' | 'stderr'>,
  ended: Promise<End>,
): KubectlProcess {
  const kill = (): void => {
    const { pid } = child;
    if (pid === undefined || !running.has(started)) return;
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    words = (words + chunk).slice(-65_536);
  });
  const started: KubectlProcess = {
    ended: ended.finally(() => running.delete(started)),
    stdout: child.stdout,
    stderr: () => words,
    async end() {
      // By force: kubectl holds nothing that the system does not close, and asked kindly it takes 9 ms, or forever.
      kill();
      if (await settledWithin(1000, started.ended)) return;
      child.stdout.destroy();
      child.stderr.destroy();
      running.delete(started);
    },
    kill,
  };
  running.set(started, kubectl);
  return started;
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
