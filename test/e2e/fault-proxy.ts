import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, request as plainRequest, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { ended, listening } from '../support/loopback.ts';
import type { TestCluster } from './cluster.ts';
import { certificateOf } from './control-plane.ts';

/** What happens to a request on its way: no answer at all, a reset, a status, or an end after some bytes of the answer. */
export type Fault = 'stall' | 'reset' | 429 | 500 | { cutAfter: number };

export interface Faults {
  /** The first whose pattern matches `METHOD PATH` applies; `times` limits how often. */
  match: RegExp;
  fault: Fault;
  times?: number;
}

export interface FaultProxy {
  /** As the administrator, through the proxy. */
  kubeconfig: string;
  /** From now on. */
  faults: Faults[];
  close(): Promise<void>;
}

/** A proxy before the real API server of a cluster of ours: TLS with its own certificate, faults, upgrades passed through. */
export async function startFaultProxy(cluster: TestCluster): Promise<FaultProxy> {
  const config = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string } }[];
  };
  const upstream = new URL(config.clusters[0]?.cluster.server ?? '');
  const certificate = readFileSync(certificateOf(cluster.folder));
  const sockets = new Set<Duplex>();
  const proxy: { faults: Faults[] } = { faults: [] };

  const faultFor = ({ method, url }: IncomingMessage): Fault | undefined => {
    const hit = proxy.faults.find(({ match, times }) => times !== 0 && match.test(`${method} ${url}`));
    if (hit?.times !== undefined) hit.times--;
    return hit?.fault;
  };
  const forwarded = ({ method, url, headers }: IncomingMessage): ReturnType<typeof plainRequest> =>
    request({
      host: upstream.hostname,
      port: upstream.port,
      method,
      path: url,
      headers,
      ca: certificate,
      agent: false,
    });

  function answer(incoming: IncomingMessage, response: ServerResponse): void {
    const fault = faultFor(incoming);
    if (fault === 'stall') return;
    if (fault === 'reset') return void incoming.socket.destroy();
    if (typeof fault === 'number') {
      const status = {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        code: fault,
        message: `made fault ${fault}`,
      };
      response.writeHead(fault, { 'content-type': 'application/json' }).end(JSON.stringify(status));
      return;
    }
    const outgoing = forwarded(incoming).on('error', () => incoming.socket.destroy());
    outgoing.on('response', (from) => {
      response.writeHead(from.statusCode ?? 502, from.headers);
      if (fault) cut(from, response, fault.cutAfter, () => incoming.socket.destroy());
      else from.pipe(response);
    });
    incoming.pipe(outgoing);
  }

  function upgrade(incoming: IncomingMessage, client: Duplex, first: Buffer): void {
    if (first.length > 0) client.unshift(first);
    sockets.add(client.on('error', () => undefined));
    const fault = faultFor(incoming);
    if (fault === 'stall') return;
    if (fault === 'reset') return void client.destroy();
    if (typeof fault === 'number') return void client.end(`HTTP/1.1 ${fault} Fault\r\ncontent-length: 0\r\n\r\n`);
    const outgoing = forwarded(incoming).on('error', () => client.destroy());
    outgoing.on('upgrade', (from, server, head) => {
      if (head.length > 0) server.unshift(head);
      const headers = Object.entries(from.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      client.write(`HTTP/1.1 ${from.statusCode} Switching Protocols\r\n${headers.join('')}\r\n`);
      server.on('error', () => client.destroy()).on('close', () => client.destroy());
      client.on('close', () => server.destroy());
      client.pipe(server);
      if (fault) cut(server, client, fault.cutAfter, () => client.destroy());
      else server.pipe(client);
    });
    outgoing.on('response', (from) => client.end(`HTTP/1.1 ${from.statusCode} No\r\ncontent-length: 0\r\n\r\n`));
    outgoing.end();
  }

  const key = readFileSync(certificateOf(cluster.folder).replace(/crt$/, 'key'));
  const server = createServer({ key, cert: certificate, ALPNProtocols: ['http/1.1'] }, answer).on('upgrade', upgrade);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  const port = await listening(server);

  const kubeconfig = join(cluster.folder, 'faults.kubeconfig');
  const through = structuredClone(config);
  for (const { cluster: each } of through.clusters) each.server = `https://127.0.0.1:${port}`;
  writeFileSync(kubeconfig, JSON.stringify(through), { mode: 0o600 });
  return Object.assign(proxy, {
    kubeconfig,
    async close() {
      for (const socket of sockets) socket.destroy();
      await ended(server);
    },
  });
}

/** Passes on `count` bytes, then calls `end`. */
function cut(from: NodeJS.ReadableStream, to: NodeJS.WritableStream, count: number, end: () => void): void {
  let left = count;
  from.on('data', (chunk: Buffer) => {
    to.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) setTimeout(end, 20);
  });
}
