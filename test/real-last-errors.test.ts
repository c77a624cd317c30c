import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { shortened, type Trouble, troubleOf } from '../src/scraping/last-error.ts';
import { certificatesIn } from './support/certificates.ts';
import { ended, listening } from './support/loopback.ts';
import { it, needed } from './support/programs.ts';
import { startConfigured } from './support/prometheus.ts';

const PAGE = 'istio_requests_total{a="1",b="2",c="3",d="4"} 1\nistio_build{component="proxy"} 1\n';

/** What each job meets, and what we make of the words of a real Prometheus. */
interface Case {
  port: number;
  path?: string;
  scheme?: 'https';
  limits?: object;
  is: Trouble;
  says: RegExp;
}

describe('what a real Prometheus says of scrapes that fail', () => {
  it('is understood', async (context) => {
    needed('prometheus');
    needed('openssl');
    const sockets = new Set<Socket>();
    const pages: Readonly<Record<string, readonly [number, string | Buffer]>> = {
      '/403': [403, 'Only requests from localhost are allowed'],
      '/401': [401, ''],
      '/404': [404, ''],
      '/503': [503, ''],
      '/429': [429, ''],
      '/binary': [200, Buffer.from([0x8f, 0x01, 0x0a, 0x12])],
      '/half': [200, 'istio_requests_total{a="1"}\n'],
      '/label': [200, 'istio_requests_total{a=1} 1\n'],
      '/number': [200, 'istio_requests_total x\n'],
      '/open': [200, 'istio_requests_total{a="1'],
      '/': [200, PAGE],
    };
    const http = createHttpServer((request, response) => {
      // Slower than the scrape may take.
      if (request.url === '/slow') return;
      const [status, body] = pages[request.url ?? ''] ?? [404, ''];
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(body);
    });
    const closing = createServer((socket) => socket.once('data', () => socket.end()));
    const resetting = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
    const { key, cert } = certificatesIn(folder).authority('nobody');
    rmSync(folder, { recursive: true });
    const https = createHttpsServer({ key, cert }, (_, response) => response.end(PAGE));
    const servers = [http, closing, resetting, https];
    for (const server of servers) server.on('connection', (socket) => sockets.add(socket));
    context.after(async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map(ended));
    });
    const [page, ends, resets, secure] = await Promise.all(servers.map((server) => listening(server)));
    const free = createServer();
    const closed = await listening(free);
    await ended(free);
    const on = (path: string, is: Trouble, says: RegExp, limits: object = {}): Case => ({
      port: page ?? 0,
      path,
      is,
      says,
      limits,
    });
    const cases: readonly Case[] = [
      { port: closed, is: 'ConnectionRefused', says: /^connection refused$/ },
      { port: ends ?? 0, is: 'ClosedUnanswered', says: /^EOF$/ },
      { port: resets ?? 0, is: 'ConnectionReset', says: /connection reset by peer$/ },
      { port: secure ?? 0, scheme: 'https', is: 'TlsFailed', says: /x509|certificate/ },
      { port: page ?? 0, scheme: 'https', is: 'TlsFailed', says: /HTTP response to HTTPS client/ },
      { port: secure ?? 0, is: 'ClosedUnanswered', says: /EOF/ },
      on('/slow', 'ScrapeTimedOut', /context deadline exceeded/),
      on('/403', 'ScrapeDenied', /403 Forbidden/),
      on('/401', 'ScrapeDenied', /401 Unauthorized/),
      on('/404', 'PageNotFound', /404 Not Found/),
      on('/503', 'ProxyUnavailable', /503 Service Unavailable/),
      on('/429', 'HttpError', /429/),
      on('/binary', 'PageInvalid', /not a valid start token/),
      on('/half', 'PageInvalid', /expected value after metric/),
      on('/label', 'PageInvalid', /./),
      on('/number', 'PageInvalid', /./),
      on('/open', 'PageInvalid', /./),
      on('/', 'SampleLimit', /sample limit exceeded/, { sample_limit: 1 }),
      on('/', 'BodySizeLimit', /body size limit exceeded/, { body_size_limit: '10B' }),
      on('/', 'LabelLimit', /label_limit exceeded/, { label_limit: 2 }),
      on('/', 'LabelLimit', /label_name_length_limit exceeded/, { label_name_length_limit: 2 }),
      on('/', 'LabelLimit', /label_value_length_limit exceeded/, { label_value_length_limit: 2 }),
      on('/', 'TargetLimit', /target_limit exceeded/, { target_limit: 1, extra: true }),
      { port: 1, is: 'Unreachable', says: /no such host|server misbehaving|Temporary failure|lookup/ },
    ];
    const jobs = cases.map(({ port, path = '/', scheme, limits = {} }, index) => {
      const { extra, ...rest } = limits as { extra?: boolean };
      const host = port === 1 ? 'nowhere.invalid' : '127.0.0.1';
      return {
        job_name: String(index),
        scrape_interval: '3s',
        scrape_timeout: '2s',
        metrics_path: path,
        ...(scheme && { scheme }),
        ...rest,
        static_configs: [{ targets: extra ? [`${host}:${port}`, `localhost:${port}`] : [`${host}:${port}`] }],
      };
    });
    const prometheus = await startConfigured(
      jobs,
      (targets) =>
        (targets.match(/"health":"(up|down)"/g)?.length ?? 0) >= cases.length &&
        !targets.includes('"health":"unknown"'),
    );
    try {
      const answer = await fetch(`http://127.0.0.1:${prometheus.port}/api/v1/targets?state=active`);
      const { data } = (await answer.json()) as {
        data: { activeTargets: readonly { scrapePool: string; lastError: string; health: string }[] };
      };
      for (const [index, { is, says }] of cases.entries()) {
        const target = data.activeTargets.find(({ scrapePool }) => scrapePool === String(index));
        assert.equal(target?.health, 'down', `${index} ${is}`);
        const words = target?.lastError ?? '';
        assert.equal(troubleOf(words), is, words);
        assert.match(shortened(words), says);
      }
    } finally {
      await prometheus.close();
    }
  });
});
