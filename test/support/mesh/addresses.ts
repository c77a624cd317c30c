import { createServer } from 'node:http';
import { ended, listening } from '../loopback.ts';
import type { Recording } from '../recordings.ts';
import type { ScrapePlan, ScrapeTarget } from './plan.ts';
import { later } from './rising.ts';

export const addressOf = ({ address, labels }: ScrapeTarget): string => address ?? labels.instance ?? '';

/** `NAMESPACE/POD:PORT/PATH` of `NAMESPACE/POD/PORT/PATH`. */
const keyOf = (page: string): string => page.replace(/^([^/]+\/[^/]+)\/(\d+)\//, '$1:$2/');

/** What ztunnel calls its page to who asks for OpenMetrics (ztunnel, src/metrics/server.rs). */
const OPEN_METRICS = 'application/openmetrics-text;charset=utf-8;version=1.0.0';

const isOpenMetrics = (body: string | Buffer): boolean => typeof body === 'string' && body.endsWith('# EOF\n');

/**
 * A proxy for HTTP through which a Prometheus finds every address of a mesh: each target is asked at its pod's own address,
 * and is answered with the pod's page, or with what is wrong there.
 */
export async function startAddresses(
  { pages }: Recording,
  plan: ScrapePlan,
): Promise<{ url: string; close: () => Promise<void> }> {
  const targets = new Map(plan.targets.map((target) => [`${addressOf(target)}${target.metricsPath}`, target.page]));
  const since = Date.now();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const what = targets.get(`${url.host}${url.pathname}`) ?? '';
    const page = pages.get(keyOf(what));
    if (what === 'down:timeout') return;
    if (what === 'down:reset') return void request.socket.resetAndDestroy();
    if (what === 'down:403') return void response.writeHead(403).end('Only requests from localhost are allowed');
    if (what === 'down:503' || what.startsWith('down:words:'))
      return void response.writeHead(503).end('upstream connect error');
    if (!page) return void response.writeHead(404).end('404 page not found\n');
    const seconds = plan.still ? 0 : (Date.now() - since) / 1000;
    const body = typeof page.body === 'string' ? later(page.body, seconds) : page.body;
    const isOpen = isOpenMetrics(body) && String(request.headers.accept).includes('application/openmetrics-text');
    response.writeHead(page.status, { 'content-type': isOpen ? OPEN_METRICS : page.contentType }).end(body);
  });
  return { url: `http://127.0.0.1:${await listening(server)}`, close: () => ended(server) };
}
