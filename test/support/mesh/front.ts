import { request as ask, createServer, type ServerResponse } from 'node:http';
import { ended, listening } from '../loopback.ts';
import { addressOf } from './addresses.ts';
import type { ScrapePlan } from './plan.ts';

/** What another release of Prometheus says of a target that this one says otherwise about. */
const WORDS = 'down:words:';

/** Where nothing listens: what goes through it is refused. */
export const NOBODY = 'http://127.0.0.1:1';

interface ActiveTarget {
  scrapePool: string;
  scrapeUrl: string;
  lastError: string;
  scrapeInterval: string;
  labels: { job?: string };
}

/**
 * Answers as the Prometheus of a mesh. What a plan has an answer, a configuration or a target's words for, it says; all
 * else is a real one's, without what a test alone has: short intervals, jobs in two parts, and in the words of a refused
 * connection the proxy that stood for a pod where nothing listens.
 */
export async function startFront(
  port: number,
  plan: ScrapePlan,
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/');
    const other = plan.others?.find(({ match }) => match.test(path));
    if (other) {
      response.writeHead(other.status, { 'content-type': other.contentType ?? 'application/json' }).end(other.body);
    } else if (path === '/api/v1/status/config' && plan.configuration !== undefined) {
      json(response, 200, { status: 'success', data: { yaml: plan.configuration } });
    } else pass(port, request.url ?? '/', path.startsWith('/api/v1/targets') ? plan : null, response);
  });
  return { port: await listening(server), close: () => ended(server) };
}

const json = (response: ServerResponse, status: number, body: unknown): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

function pass(port: number, path: string, targetsOf: ScrapePlan | null, response: ServerResponse): void {
  const asked = ask({ host: '127.0.0.1', port, path }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('end', () => {
      const status = answer.statusCode ?? 500;
      if (!targetsOf || status !== 200) {
        response.writeHead(status, { 'content-type': answer.headers['content-type'] ?? '' }).end(Buffer.concat(chunks));
        return;
      }
      const body = JSON.parse(String(Buffer.concat(chunks))) as { data: { activeTargets: ActiveTarget[] } };
      for (const target of body.data.activeTargets) asIfAlone(target, targetsOf);
      json(response, status, body);
    });
  });
  asked.on('error', () => response.destroy());
  asked.end();
}

function asIfAlone(target: ActiveTarget, { jobs = {}, targets }: ScrapePlan): void {
  const { host } = new URL(target.scrapeUrl);
  target.lastError = target.lastError.replace(/proxyconnect tcp: dial tcp 127\.0\.0\.1:1:/, `dial tcp ${host}:`);
  target.scrapePool = target.scrapePool.replace(/ \(refused\)$/, '');
  const planned = targets.find((each) => addressOf(each) === host && each.job === target.labels.job);
  if (planned?.page.startsWith(WORDS)) target.lastError = planned.page.slice(WORDS.length);
  target.scrapeInterval = jobs[planned?.job ?? '']?.interval ?? '15s';
}
