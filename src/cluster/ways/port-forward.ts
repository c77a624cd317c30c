import { type Patience, within } from './deadline.ts';
import { lastWords, startKubectl } from './kubectl.ts';
import type { Kubectl, KubectlProcess } from './kubectl-process.ts';
import type { PodPort } from './tunnel.ts';

/** A port-forward that could not be opened. kubectl's words. */
export class ForwardBroke extends Error {}

/** One `kubectl port-forward` to one port of a pod. */
export interface PortForward {
  /** The port on 127.0.0.1 that leads there. */
  local: number;
  alive(): boolean;
  /**
   * What kubectl says of an exchange that broke. The words come on stderr a moment after the connection is gone, so
   * this waits for them, up to a second.
   */
  readonly words: () => Promise<string>;
  close(): Promise<void>;
}

/** `Forwarding from 127.0.0.1:36871 -> 9093`: local and remote port. */
const LISTENS = /^Forwarding from 127\.0\.0\.1:(\d+) -> \d+$/m;

/**
 * Opens a port-forward on a free local port and resolves once it listens: connected to the API server, which does not
 * say yet that the pod answers. Rejects with ForwardBroke or Overdue.
 */
export async function openPortForward(
  kubectl: Kubectl,
  { namespace, pod, port }: PodPort,
  patience: Patience,
): Promise<PortForward> {
  const process = await startKubectl(kubectl, [
    'port-forward',
    '--address=127.0.0.1',
    `--namespace=${namespace}`,
    `pod/${pod}`,
    `:${port}`,
  ]);
  let alive = true;
  const ended = process.ended.then((end) => {
    alive = false;
    return end;
  });
  try {
    const local = await within(patience, listening(process));
    return {
      local,
      // A refused connection makes today's kubectl end the port-forward a moment after it has said so.
      alive: () => alive && !BROKEN.test(process.stderr()),
      words: () => brokenWords(process, ended),
      close: () => process.end(),
    };
  } catch (error) {
    await process.end();
    throw error;
  }
}

function listening(process: KubectlProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    process.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, local] = LISTENS.exec(said) ?? [];
      if (local !== undefined) resolve(Number(local));
    });
    void process.ended.then(({ exitCode, missing }) => {
      const words = lastWords(process.stderr()) || `kubectl port-forward ended with exit code ${exitCode}`;
      reject(new ForwardBroke(missing ? 'there is no kubectl' : words));
    });
  });
}

/** kubectl's line about a broken exchange; without the local port, which differs from run to run. */
const BROKEN = /an error occurred forwarding \d+ -> \d+: ([^\n]*?)"?$/m;

async function brokenWords(process: KubectlProcess, ended: Promise<unknown>): Promise<string> {
  const until = Date.now() + 1000;
  for (;;) {
    const found = BROKEN.exec(process.stderr());
    if (found) return found[1] ?? '';
    if (Date.now() > until) return lastWords(process.stderr());
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
    if (!process.stderr().includes('forwarding')) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
