import { createServer, request, type Server } from 'node:http';
import { ended, listening } from '../support/loopback.ts';
import { answer } from '../support/promql.ts';
import type { Recording } from '../support/recordings.ts';

/** What a family of counters does from one reading of its page to the next. */
export type Movement = (family: string) => 'still' | 'rise' | 'reset';

export interface PageServers {
  /** By `NAMESPACE/POD:PORT`. */
  ports: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Serves the recorded pages of each pod's port on a loopback port of its own. */
export async function servePages(recording: Recording, movement: Movement = () => 'still'): Promise<PageServers> {
  const ports = new Map<string, number>();
  const servers: Server[] = [];
  const keys = [...recording.pages.keys()].map((page) => page.slice(0, page.indexOf('/', page.indexOf(':'))));
  for (const key of new Set(keys)) {
    let readings = 0;
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://x');
      const promql = url.searchParams.get('query');
      if (url.pathname === '/api/v1/query' && promql !== null) return response.end(answer(recording, promql));
      const page = recording.pages.get(`${key}${url.pathname}`);
      if (!page) return response.writeHead(404).end('404 page not found\n');
      const body = url.pathname === '/metrics' ? moved(String(page.body), movement, readings++) : page.body;
      // With a length: kwok does not pass on that a server closed.
      return response.writeHead(page.status, { 'content-type': page.contentType }).end(body);
    });
    ports.set(key, await listening(server));
    servers.push(server);
  }
  return {
    ports,
    async close() {
      for (const server of servers) await ended(server);
    },
  };
}

/** What a counter above 0 grows by from reading to reading. */
const STEP = 7;

/** A page as it is at its reading of this number, from 0. What is reset starts again at the second, in a new process. */
function moved(page: string, movement: Movement, reading: number): string {
  const counts = new Set(
    [...page.matchAll(/^# TYPE (\S+) (counter|histogram|summary)$/gm)].map(([, name = '']) => name),
  );
  return page.replace(/^([a-zA-Z_:][\w:]*)(\{.*\})? (\d[\d.e+]*)$/gm, (line, name: string, labels = '', value) => {
    const family = counts.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    const does = movement(family);
    if (name === 'process_start_time_seconds' && does === 'reset') return `${name} ${Number(value) + 60 * reading}`;
    if (does === 'still' || !counts.has(family) || /quantile=/.test(labels) || Number(value) === 0) return line;
    return `${name}${labels} ${does === 'reset' && reading > 0 ? STEP * reading : Number(value) + STEP * reading}`;
  });
}

/** A way to pages by their names in the cluster: an HTTP proxy, as Prometheus' `proxy_url` takes it. */
export async function serveNames(
  hosts: ReadonlyMap<string, number>,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((incoming, response) => {
    const { host, pathname } = new URL(incoming.url ?? '', 'http://x');
    const port = hosts.get(host);
    if (port === undefined) return response.writeHead(502).end(`no such host: ${host}\n`);
    const outgoing = request({ host: '127.0.0.1', port, path: pathname }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.writeHead(502).end());
    return outgoing.end();
  });
  return { url: `http://127.0.0.1:${await listening(server)}`, close: () => ended(server) };
}
