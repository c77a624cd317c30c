import { Agent } from 'node:http';
import type { ApiServer } from './api-server.ts';
import { type Patience, within } from './deadline.ts';
import { endAgent, httpGet } from './http.ts';
import { type Kubectl, type KubectlProcess, lastWords, startKubectl } from './kubectl.ts';
import { API_PATHS, TUNNEL_PATH } from './read-only.ts';
import { openTunnel } from './tunnel.ts';

/** The gateway ended before it served: kubectl's words, and whether there is a kubectl at all. */
export class NoGateway extends Error {
  readonly missing: boolean;
  constructor(words: string, missing: boolean) {
    super(words);
    this.missing = missing;
  }
}

/**
 * One private `kubectl proxy` on a unix socket: one login for all questions, the API's own answers, and kubectl's own
 * filter in front, so that no object can be changed and no Secret read (kubectl-costs.md).
 */
export async function openGateway(kubectl: Kubectl, socketPath: string, patience: Patience): Promise<ApiServer> {
  const process = startKubectl(kubectl, [
    'proxy',
    `--unix-socket=${socketPath}`,
    `--accept-paths=${[...API_PATHS, TUNNEL_PATH].join(',')}`,
    '--reject-methods=^(POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|TRACE)$',
  ]);
  // Loaded while kubectl starts, not when the first page is asked for.
  import('ws').catch(() => undefined);
  try {
    await within(patience, serving(process));
  } catch (error) {
    await process.end();
    throw error;
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    get: (path, patience) =>
      httpGet({ socketPath, path, agent, headers: { host: 'localhost', 'accept-encoding': 'identity' } }, patience),
    tunnel: (to, patience) => openTunnel(socketPath, to, patience),
    words: () => lastWords(process.stderr()),
    async close() {
      endAgent(agent);
      await process.end();
    },
  };
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
