import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Pair } from './certificates.ts';
import { ended, listening } from './loopback.ts';
import { answer } from './promql.ts';
import { loadRecording, type Recording } from './recordings.ts';

/** What a server answers to a path, in place of what the recording holds. */
export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** What was asked of it. */
export interface Asked {
  path: string;
  headers: IncomingHttpHeaders;
}

export interface PrometheusApi {
  url: string;
  asked: readonly Asked[];
  close(): Promise<void>;
}

export interface PrometheusApiOptions {
  recording?: string;
  host?: string;
  /** By TLS, for the name `localhost`. */
  pair?: Pair;
  /** null leaves it to the recording. */
  reply?: (asked: Asked) => Reply | null;
}

/** A real HTTP server that answers as the Prometheus of a recording, but for what `reply` says. */
async function startPrometheusApi({
  recording: name = 'istio-1.0.6/healthy',
  host = 'localhost',
  pair,
  reply = () => null,
}: PrometheusApiOptions = {}): Promise<PrometheusApi> {
  const recording = loadRecording(name);
  const asked: Asked[] = [];
  const listener: RequestListener = ({ url = '/', headers }, response) => {
    const one = { path: url, headers };
    asked.push(one);
    const { status = 200, headers: own, body = '' } = reply(one) ?? recorded(recording, url);
    response.writeHead(status, { 'content-type': 'application/json', ...own }).end(body);
  };
  const server = pair ? createSecureServer({ cert: pair.cert, key: pair.key }, listener) : createServer(listener);
  const port = await listening(server, host);
  return { url: `${pair ? 'https' : 'http'}://localhost:${port}`, asked, close: () => ended(server) };
}

/** Runs `use` with such a server, and takes it down on every way out. */
export async function withPrometheusApi<T>(
  options: PrometheusApiOptions,
  use: (api: PrometheusApi) => Promise<T>,
): Promise<T> {
  const api = await startPrometheusApi(options);
  try {
    return await use(api);
  } finally {
    await api.close();
  }
}

function recorded(recording: Recording, url: string): Reply {
  const { pathname, searchParams } = new URL(url, 'http://x');
  const [, path] = /(\/api\/v1\/.*)$/.exec(pathname) ?? [];
  if (path === '/api/v1/query') return { body: answer(recording, searchParams.get('query') ?? '') };
  const page = [...recording.pages].find(([key]) => key.endsWith(`:9090${path}`))?.[1];
  return page
    ? { body: page.body }
    : { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' };
}
