import type { ApiServer } from './api-server.ts';
import { type Patience, within } from './deadline.ts';
import { type HttpAnswer, once } from './http.ts';
import { runKubectl } from './kubectl.ts';
import type { Kubectl } from './kubectl-process.ts';
import { hindranceIn } from './refusal.ts';

/** At most so many kubectl processes at once. */
const AT_ONCE = 6;

/** HTTP's status for what kubectl says of a failed `get --raw`. */
const STATUS = { Forbidden: 403, Unauthorized: 401, NotFound: 404, TimedOut: 504 } as const;

/**
 * `kubectl get --raw PATH`, a process for each question: where a unix socket cannot be had (Windows, a kubectl whose
 * `proxy` does not start).
 */
export function rawApiServer(kubectl: Kubectl): ApiServer {
  const waiting: (() => void)[] = [];
  let free = AT_ONCE;
  let said = '';

  const turn = async (): Promise<void> => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const done = (): void => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };

  async function run(path: string, patience: Patience): Promise<HttpAnswer> {
    const { exitCode, output, words } = await runKubectl(kubectl, ['get', '--raw', path], patience);
    if (exitCode === 0) return { status: 200, contentType: '', date: null, body: once(output) };
    said = words;
    const hindrance = hindranceIn(said) as keyof typeof STATUS;
    const status: number = STATUS[hindrance] ?? 502;
    // Told as the API server would tell it, so that one reader of refusals serves both ways.
    const body = status === 502 ? said : JSON.stringify({ kind: 'Status', message: said });
    return { status, contentType: '', date: null, body: once(Buffer.from(body)) };
  }

  return {
    async get(path, patience) {
      await within(patience, turn());
      try {
        return await run(path, patience);
      } finally {
        done();
      }
    },
    tunnel: null,
    files: () => [],
    words: () => said,
    close: () => Promise.resolve(),
  };
}
