import { Agent } from 'node:http';
import { messageOf } from '../../errors.ts';
import type { ApiServer } from './api-server.ts';
import { type Patience, within } from './deadline.ts';
import type { HeadStart } from './head-start.ts';
import { endAgent, httpGet } from './http.ts';
import { filesIn } from './kubeconfig.ts';
import { lastWords, startKubectl } from './kubectl.ts';
import type { Kubectl, KubectlProcess } from './kubectl-process.ts';
import { execProxyArguments, type PodName, proxyArguments } from './proxy.ts';
import type { Scratch } from './scratch.ts';
import { openTunnel } from './tunnel.ts';

const HEADERS = { host: 'localhost', 'accept-encoding': 'identity' };

/** The gateway ended before it served: kubectl's words, and whether there is a kubectl at all. */
export class NoGateway extends Error {
  readonly missing: boolean;
  constructor(words: string, missing: boolean) {
    super(words);
    this.missing = missing;
  }
}

/**
 * One private `kubectl proxy` on a unix socket: one login for all questions, and the API's own answers. The one that
 * had a head start, if any.
 */
export async function openGateway(
  kubectl: Kubectl,
  scratch: Scratch,
  patience: Patience,
  headStart: HeadStart | null,
): Promise<ApiServer> {
  // Loaded while kubectl starts, not when the first page is asked for.
  import('ws').catch(() => undefined);
  const first = headStart ?? (await startProxy(kubectl, socketIn(scratch)));
  const { process, socketPath } = await served(first, patience).catch(async (error: unknown) => {
    // What takes kubectl's place may not know how to tell its files.
    const tells = !/unknown (shorthand )?flag.*vmodule/.test(first.process.stderr());
    if (tells && !(headStart && (await wasNotStarted(error, first)))) throw error;
    return served(await startProxy(kubectl, socketIn(scratch), tells), patience);
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    get: (path, patience, accept) =>
      // No server name to look for in the host's: there is no TLS, and to compile what tells an address takes 6 ms.
      httpGet(
        { socketPath, path, agent, servername: '', headers: { ...HEADERS, ...(accept && { accept }) } },
        patience,
      ),
    tunnel: (to, count, patience) => openTunnel(socketPath, to, count, patience),
    files: () => filesIn(process.stderr()),
    words: () => lastWords(process.stderr()),
    async close() {
      endAgent(agent);
      await process.end();
    },
  };
}

/** Another private `kubectl proxy`, for programs in containers of some pods: one login for all of them. */
export interface ExecProxy {
  socketPath: string;
  close(): Promise<void>;
}

/** Opens it. Rejects with NoGateway or Overdue. */
export async function openExecProxy(
  kubectl: Kubectl,
  scratch: Scratch,
  patience: Patience,
  pods: readonly PodName[],
): Promise<ExecProxy> {
  const socketPath = socketIn(scratch);
  const started = { process: await startKubectl(kubectl, execProxyArguments(socketPath, pods)), socketPath };
  const { process } = await served(started, patience);
  return { socketPath, close: () => process.end() };
}

/** Where there is no folder to write to, there is no socket: then another way is taken. */
function socketIn(scratch: Scratch): string {
  try {
    return scratch.path('s');
  } catch (error) {
    throw new NoGateway(messageOf(error), false);
  }
}

type Proxy = Pick<HeadStart, 'process' | 'socketPath'>;

const startProxy = async (kubectl: Kubectl, socketPath: string, tells = true): Promise<Proxy> => ({
  process: await startKubectl(kubectl, proxyArguments(socketPath, tells)),
  socketPath,
});

/** Whether the system had no process to spare at that moment. */
async function wasNotStarted(error: unknown, { process }: Proxy): Promise<boolean> {
  return error instanceof NoGateway && !error.missing && (await process.ended).exitCode === undefined;
}

/** The proxy when it serves. Rejects with NoGateway or Overdue, and has ended it. */
async function served(proxy: Proxy, patience: Patience): Promise<Proxy> {
  try {
    await within(patience, serving(proxy.process));
    return proxy;
  } catch (error) {
    await proxy.process.end();
    throw error;
  }
}

/** Resolves when `kubectl proxy` says that it serves; rejects with NoGateway when it ends instead. */
function serving(process: KubectlProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    process.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Starting to serve')) resolve();
    });
    void process.ended.then(({ exitCode, missing }) => {
      const words = lastWords(process.stderr()) || `kubectl proxy ended with exit code ${exitCode}`;
      reject(new NoGateway(words, missing));
    });
  });
}
