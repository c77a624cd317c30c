import assert from 'node:assert/strict';
import { describe, it as nodesIt } from 'node:test';
import { PageReader } from '../src/prometheus/page-reader.ts';
import type { Reported } from './support/mesh/families.ts';
import { type PageOptions, pagesOf } from './support/mesh/pages.ts';
import type { Edge, Peer } from './support/mesh/traffic.ts';
import { it } from './support/programs.ts';
import { scrapes } from './support/scrapes.ts';

const peer = (name: string): Peer => ({
  workload: `${name}-v1`,
  namespace: 'default',
  app: name,
  version: 'v1',
  account: `bookinfo-${name}`,
});

const EDGE: Edge = {
  from: peer('productpage'),
  to: peer('reviews'),
  service: { name: 'reviews', namespace: 'default' },
  protocol: 'http',
  codes: { '200': 1, '503': 2 },
  mutual: true,
};

const page = (release: string, port: number, reported: readonly Reported[], options?: PageOptions): string =>
  String(pagesOf(release, reported, options).get(`${port}/stats/prometheus`)?.body ?? '');

/** The samples of a page as the project's own reader finds them. */
function samplesIn(text: string): readonly { name: string; labels: Record<string, string>; value: string }[] {
  const found: { name: string; labels: Record<string, string>; value: string }[] = [];
  const reader = new PageReader(
    () => true,
    (_, { name, labels, value }) => found.push({ name, labels: Object.fromEntries(labels), value }),
  );
  reader.push(Buffer.from(text));
  reader.end();
  return found;
}

const RELEASES = ['1.5.10', '1.7.1', '1.11.4', '1.16.7', '1.31.0'] as const;

describe('a composed page of a proxy', () => {
  it('is read by a real Prometheus and by us alike, in every release', async () => {
    const tcp: Edge = { ...EDGE, protocol: 'tcp', codes: { '0': 4 } };
    const texts = RELEASES.map((release) =>
      page(release, 15090, [
        { edge: EDGE, reporter: 'destination' },
        { edge: { ...EDGE, protocol: 'grpc' }, reporter: 'source' },
        { edge: tcp, reporter: 'source' },
      ]),
    );
    const contentType = 'text/plain; version=0.0.4';
    const scraped = await scrapes(texts.map((body) => ({ body, contentType })));
    for (const [index, text] of texts.entries()) {
      assert.deepEqual(scraped[index], { error: null, samples: samplesIn(text).length }, RELEASES[index]);
    }
  });

  nodesIt('has the labels of a real one of 1.11.4', () => {
    const [sample] = samplesIn(page('1.11.4', 15090, [{ edge: EDGE, reporter: 'destination' }])).filter(
      ({ name }) => name === 'istio_requests_total',
    );
    assert.equal(sample?.value, '1');
    assert.deepEqual(sample?.labels, {
      reporter: 'destination',
      source_workload: 'productpage-v1',
      source_workload_namespace: 'default',
      source_principal: 'spiffe://cluster.local/ns/default/sa/bookinfo-productpage',
      source_app: 'productpage',
      source_version: 'v1',
      source_cluster: 'Kubernetes',
      destination_workload: 'reviews-v1',
      destination_workload_namespace: 'default',
      destination_principal: 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews',
      destination_app: 'reviews',
      destination_version: 'v1',
      destination_service: 'reviews.default.svc.cluster.local',
      destination_service_name: 'reviews',
      destination_service_namespace: 'default',
      destination_cluster: 'Kubernetes',
      request_protocol: 'http',
      response_code: '200',
      grpc_response_status: '',
      response_flags: '-',
      connection_security_policy: 'mutual_tls',
      source_canonical_service: 'productpage',
      destination_canonical_service: 'reviews',
      source_canonical_revision: 'v1',
      destination_canonical_revision: 'v1',
    });
  });

  nodesIt('repeats TYPE for each series in 1.5, and not today', () => {
    const types = (release: string): number =>
      page(release, 15090, [{ edge: EDGE, reporter: 'source' }]).match(/# TYPE istio_requests_total counter/g)
        ?.length ?? 0;
    assert.deepEqual([types('1.5.10'), types('1.31.0')], [2, 1]);
  });

  nodesIt('is merged after the agent’s part on 15020, which 1.5 has not', () => {
    const merged = page('1.31.0', 15020, []);
    assert.ok(merged.indexOf('istio_agent_scrapes_total 40320') < merged.indexOf('envoy_server_state{} 0'));
    assert.match(merged, /^istio_build\{component="proxy",tag="1\.31\.0"\} 1$/m);
    assert.equal(page('1.5.10', 15020, []), '');
  });

  nodesIt('can lack the filter, or Envoy itself, or count twice', () => {
    const reported = [{ edge: EDGE, reporter: 'source' as const }];
    assert.doesNotMatch(page('1.31.0', 15020, reported, { hasFilter: false }), /istio_(build|requests)/);
    const alone = page('1.31.0', 15020, reported, { hasEnvoy: false, failures: { envoy: 3 } });
    assert.doesNotMatch(alone, /envoy_/);
    assert.match(alone, /istio_agent_scrape_failures_total\{type="envoy"\} 3/);
    assert.match(page('1.31.0', 15090, reported, { times: 2 }), /istio_requests_total\{.*response_code="503".*\} 4/);
  });
});
