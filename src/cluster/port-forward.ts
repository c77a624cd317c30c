import { type Patience, within } from './deadline.ts';
import { type Kubectl, type KubectlProcess, lastWords, startKubectl } from './kubectl.ts';

/** A port-forward that could not be opened, or an exchange through it that broke. kubectl's words. */
export class ForwardBroke extends Error {}

/** One `kubectl port-forward` to one pod, serving several of its ports. */
export interface PortForward {
  /** The port on 127.0.0.1 that leads to the pod's `port`. */
  local(port: number): number;
  alive(): boolean;
  /**
   * What kubectl says of an exchange with `port` that broke. The words come on stderr a moment after the
   * connection is gone, so this waits for them, up to a second.
   */
  words(port: number): Promise<string>;
  close(): Promise<void>;
}

/** `Forwarding from 127.0.0.1:36871 -> 9093`: local and remote port. */
const LISTENS = /^Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)$/gm;

/**
 * Opens a port-forward on free local ports and resolves once it listens on all of them: connected to the API
 * server, which does not say yet that the pod answers. Rejects with ForwardBroke or Overdue.
 */
export async function openPortForward(
  kubectl: Kubectl,
  pod: { namespace: string; pod: string; ports: readonly number[] },
  patience: Patience,
): Promise<PortForward> {
  const process = startKubectl(kubectl, [
    'port-forward',
    '--address=127.0.0.1',
    `--namespace=${pod.namespace}`,
    `pod/${pod.pod}`,
    ...pod.ports.map((port) => `:${port}`),
  ]);
  let alive = true;
  const ended = process.ended.then((end) => {
    alive = false;
    return end;
  });
  try {
    const locals = await within(patience, listening(process, pod.ports.length));
    return {
      local: (port) => locals.get(port) ?? 0,
      alive: () => alive,
      words: (port) => brokenWords(process, locals.get(port) ?? 0, ended),
      close: () => process.end(),
    };
  } catch (error) {
    await process.end();
    throw error;
  }
}

function listening(process: KubectlProcess, count: number): Promise<Map<number, number>> {
  return new Promise((resolve, reject) => {
    let said = '';
    process.stdout.on('data', (chunk: Buffer) => {
      // The lines come in one chunk or in several (packaging.md 4).
      said += chunk.toString();
      const locals = new Map([...said.matchAll(LISTENS)].map(([, local, remote]) => [Number(remote), Number(local)]));
      if (locals.size === count) resolve(locals);
    });
    void process.ended.then(({ exitCode, missing }) => {
      const words = lastWords(process.stderr()) || `kubectl port-forward ended with exit code ${exitCode}`;
      reject(new ForwardBroke(missing ? 'there is no kubectl' : words));
    });
  });
}

/** kubectl's last word that is not about an exchange through another port. */
const otherWords = (stderr: string): string =>
  lastWords(
    stderr
      .split('\n')
      .filter((line) => !line.includes('an error occurred forwarding'))
      .join('\n'),
  );

/** kubectl's line about a broken exchange: `…an error occurred forwarding 36871 -> 42422: …connection refused`. */
async function brokenWords(process: KubectlProcess, local: number, ended: Promise<unknown>): Promise<string> {
  // Without the local port: it differs from run to run, and no reader can use it.
  const about = new RegExp(`an error occurred forwarding ${local} -> \\d+: ([^\n]*?)"?$`, 'm');
  const until = Date.now() + 1000;
  for (;;) {
    const found = about.exec(process.stderr());
    if (found) return found[1] ?? '';
    if (Date.now() > until) return otherWords(process.stderr());
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
    if (!process.stderr().includes('forwarding')) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
