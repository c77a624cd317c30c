import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { describe } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Emission, emission } from '../../src/evidence/envoy/emission.ts';
import { filterLoaded } from '../../src/guide/missing-metrics/sidecar/proxy-emits/filter-loaded.ts';
import { envoyMerged, pageParses } from '../../src/guide/missing-metrics/sidecar/proxy-emits/parts-merged.ts';
import { gathered, istiod } from '../support/gathered.ts';
import { NOW, scope } from '../support/judging.ts';
import { ended, listening } from '../support/loopback.ts';
import { istiodObject, modernMesh, PRODUCTPAGE, productpageObject } from '../support/modern.ts';
import { it, needed } from '../support/programs.ts';
import type { Page } from '../support/recordings.ts';
import { type StandInOptions, startStandIn } from '../support/stand-in.ts';

const recorded = (name: string): string =>
  readFileSync(new URL(`../pages/istio-1.31/${name}`, import.meta.url), 'utf8');
const text = (body: string | Buffer, status = 200): Page => ({ status, contentType: 'text/plain', body });

const REVIEWS = recorded('reviews.txt');
/** Envoy's own page: what the agent adds stands before it. */
const envoysPart = (page: string): string => page.slice(page.indexOf('# TYPE envoy'));
const agentsPart = (page: string): string => page.slice(0, page.indexOf('# TYPE envoy'));

const AGENT = `bookinfo/${PRODUCTPAGE}:15020/stats/prometheus`;
const ENVOY = `bookinfo/${PRODUCTPAGE}:15090/stats/prometheus`;

/** A Prometheus that has istio_build of these pods, by name. */
async function storeOf(pods: readonly string[]): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams.get('query') ?? '';
    const result = pods.map((pod) => ({
      metric: { namespace: 'bookinfo', pod, component: 'proxy', tag: '1.31.0', job: 'kubernetes-pods' },
      value: [0, '1'],
    }));
    const data = { resultType: 'vector', result: query.includes('(istio_build)') ? result : [] };
    response.end(JSON.stringify({ status: 'success', data }));
  });
  return { url: `http://127.0.0.1:${await listening(server)}`, close: () => ended(server) };
}

const OTHER = 'productpage-v1-6d8bc58dd7-other';

async function seen(
  pages: Record<string, Page>,
  { stored = [], ...options }: StandInOptions & { stored?: readonly string[] } = {},
): Promise<{ found: Emission; requests: readonly string[] }> {
  // Before anything is started that would have to be ended.
  needed('kubectl');
  const mesh = modernMesh(
    istiodObject(),
    productpageObject(),
    ...(stored.includes(OTHER) ? [productpageObject({ ip: '10.244.0.6' }, OTHER)] : []),
  );
  const store = await storeOf(stored);
  try {
    const standIn = await startStandIn({ ...mesh, pages: new Map(Object.entries(pages)) }, options);
    try {
      const found = await gathered(emission, standIn.kubeconfig, { scope: { prometheus: { url: store.url } } });
      return { found, requests: standIn.requests };
    } finally {
      await standIn.close();
    }
  } finally {
    await store.close();
  }
}

const context = { plane: istiod, scope, now: NOW };
const loadedIn = (found: Emission) => filterLoaded.judge({ emission: found, pilots: [] }, context);
const mergedIn = (found: Emission) => envoyMerged.judge({ emission: found, failures: { got: [] } }, context);
const reasonOf = (verdict: { status: string; reason?: string }) => [verdict.status, verdict.reason];

describe('which proxies make metrics', () => {
  it('needs no page where a store has them all', async () => {
    const { found, requests } = await seen({}, { stored: [PRODUCTPAGE] });
    assert.deepEqual(reasonOf(loadedIn(found)), ['pass', undefined]);
    assert.ok(!requests.some((each) => /TUNNEL|EXEC/.test(each)), requests.join('\n'));
  });

  it('is told by the agent’s page alone where that has it', async () => {
    const { found, requests } = await seen({ [AGENT]: text(REVIEWS), [ENVOY]: text('') });
    assert.match(loadedIn(found).message, /^0 of 1 proxy in Prometheus; all have it on their pages$/);
    const [proxy] = found.asked;
    assert.ok(proxy && 'got' in proxy.merged);
    assert.deepEqual(
      [proxy.merged.got.build, [...proxy.merged.got.families], proxy.merged.got.refused, proxy.own],
      ['1.31.0', ['istio_requests_total'], 0, null],
    );
    assert.deepEqual(
      requests.filter((each) => each.startsWith('PAGE')),
      [`PAGE ${AGENT}`],
    );
  });

  it('is denied by both pages of a proxy that is told no metrics', async () => {
    const page = recorded('metrics-disabled.txt');
    const { found } = await seen({ [AGENT]: text(page), [ENVOY]: text(envoysPart(page)) });
    const verdict = loadedIn(found);
    assert.deepEqual(reasonOf(verdict), ['fail', 'FilterNotLoaded']);
    assert.ok(verdict.evidence?.includes('envoy_server_state 0'), verdict.evidence?.join('\n'));
  });

  it('is told by the page of a mesh without traffic, and of one that a store has beside it', async () => {
    const other = `bookinfo/${OTHER}:15020/stats/prometheus`;
    const { found } = await seen(
      {
        [AGENT]: text(recorded('metrics-disabled.txt')),
        [ENVOY]: text(envoysPart(recorded('metrics-disabled.txt'))),
        [other]: text(recorded('idle-tcp.txt')),
      },
      { stored: [OTHER] },
    );
    assert.ok(found.control && 'got' in found.control.merged);
    assert.equal(found.control.merged.got.build, '1.31.0');
    assert.match(loadedIn(found).message, /^1 of 2 proxies has no stats filter/);
  });

  it('is on Envoy’s page where the agent could not have it', async () => {
    const failed = 'istio_agent_scrape_failures_total{type="envoy"} 12\n';
    const { found } = await seen({ [AGENT]: text(agentsPart(REVIEWS) + failed), [ENVOY]: text(envoysPart(REVIEWS)) });
    assert.equal(loadedIn(found).status, 'pass');
    assert.deepEqual(reasonOf(mergedIn(found)), ['fail', 'EnvoyNotMerged']);
  });

  it('is asked of the agent’s command where no port may be forwarded', async () => {
    const output = [
      '# TYPE istio_build gauge',
      'istio_build{component="proxy",tag="1.31.0"} 1',
      '# TYPE envoy_server_state gauge',
      'envoy_server_state{} 0',
      '',
    ].join('\n');
    const { found, requests } = await seen(
      { [AGENT]: text(REVIEWS) },
      {
        faults: [{ match: /portforward|\/proxy\//, fault: 'forbid' }],
        prints: new Map([[`bookinfo/${PRODUCTPAGE}/istio-proxy`, { output, code: 0 }]]),
      },
    );
    assert.equal(loadedIn(found).status, 'pass', JSON.stringify(found.asked));
    assert.ok(
      requests.some((each) => each.endsWith('/istio-proxy pilot-agent request')),
      requests.join('\n'),
    );
  });

  it('is not known without either right: which, and what was tried instead', async () => {
    const { found } = await seen(
      { [AGENT]: text(REVIEWS) },
      { faults: [{ match: /portforward|\/proxy\/|exec/, fault: 'forbid' }] },
    );
    const verdict = loadedIn(found);
    assert.deepEqual(reasonOf(verdict), ['unknown', 'Forbidden']);
    const missing = 'missing' in verdict ? verdict.missing : [];
    assert.deepEqual(missing[0]?.right.resource, 'pods/portforward');
    assert.match(missing[0]?.triedInstead.at(-1) ?? '', /^create pods\/exec: .*forbidden/);
  });

  it('is not known where the node is dead: the words on the way there', async () => {
    const { found } = await seen(
      {},
      {
        proxySays: 'dial tcp 10.0.0.9:10250: connect: no route to host',
        faults: [{ match: /^UPGRADE/, fault: 'forbid' }],
      },
    );
    const verdict = loadedIn(found);
    assert.equal(verdict.status, 'unknown');
    assert.match(JSON.stringify(verdict), /10\.0\.0\.9:10250: connect: no route to host/);
  });

  it('is not known of pages that are none: compressed, empty, a login, 403, cut off', async () => {
    const gzip: Page = { status: 200, contentType: 'text/plain', body: gzipSync(REVIEWS) };
    for (const page of [
      gzip,
      text(''),
      text('<html><title>Sign in</title></html>'),
      text('Only requests from localhost are allowed', 403),
      text(agentsPart(REVIEWS).slice(0, -20)),
    ]) {
      const { found } = await seen({ [AGENT]: page, [ENVOY]: page });
      assert.equal(loadedIn(found).status, 'unknown', String(page.body).slice(0, 80));
    }
  });

  it('is read from OpenMetrics, several blocks of one name, and pages with a broken end', async () => {
    const twice = '# TYPE istio_requests_total counter\nistio_requests_total{response_code="200"} 1\n'.repeat(2);
    const old = `${twice}# TYPE istio_build gauge\nistio_build{component="proxy",tag="1.5.1"} 1\n# EOF\n`;
    const { found } = await seen({ [AGENT]: text(old) });
    assert.equal(loadedIn(found).status, 'pass');
    const broken = await seen({ [AGENT]: text(`${REVIEWS}my_metric NULL\n`) });
    assert.equal(loadedIn(broken.found).status, 'pass');
    const verdict = pageParses.judge({ emission: broken.found }, context);
    assert.deepEqual(reasonOf(verdict), ['fail', 'PageBroken']);
    assert.match(verdict.message, /NULL/);
  });
});
