import { type ChildProcess, spawn } from 'node:child_process';
import { type End, followed, type Kubectl, type KubectlProcess, spawned } from './kubectl-process.ts';
import { proxyArguments } from './proxy.ts';
import { makeScratch, type Scratch } from './scratch.ts';

/** A `kubectl proxy` that was started before the program was loaded: the two take as long, and can do it at once. */
export interface HeadStart {
  kubectl: Kubectl;
  scratch: Scratch;
  socketPath: string;
  process: KubectlProcess;
  /** Ends it, whoever uses it, and deletes what it left. */
  end(): Promise<void>;
}

/**
 * Starts it without execa, which takes 9 ms to load. Null where that fails at once; where it fails later, its process
 * tells. It is tried again when it is due, and the user is told then.
 */
export function takeHeadStart(kubectl: Kubectl): HeadStart | null {
  // Node cannot open kubectl's unix socket on Windows.
  if (process.platform === 'win32') return null;
  const scratch = makeScratch();
  // On every way out, also one that waits for nothing.
  const drop = (): void => scratch.remove();
  process.once('exit', drop);
  try {
    const socketPath = scratch.path('s');
    const child = spawn(kubectl.program, [...proxyArguments(socketPath), ...kubectl.flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...spawned(kubectl),
    });
    const ended = endOf(child);
    // Where there are no more files to open, it has no streams.
    if (child.stdout === undefined) throw new Error('kubectl was not started');
    const proxy = followed(kubectl, child, ended);
    return {
      kubectl,
      scratch,
      socketPath,
      process: proxy,
      async end() {
        await proxy.end();
        drop();
        process.off('exit', drop);
      },
    };
  } catch {
    drop();
    return null;
  }
}

const endOf = (child: ChildProcess): Promise<End> =>
  new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ exitCode: undefined, missing: error.code === 'ENOENT' }),
    );
    child.once('close', (code) => resolve({ exitCode: code ?? undefined, missing: false }));
  });
