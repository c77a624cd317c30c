import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { it } from './support/programs.ts';
import type { RecordedObject } from './support/recordings.ts';
import { checkOf, reported } from './support/run.ts';
import { withStandIn } from './support/standing.ts';

/** Gives every bookinfo pod a proxy, whose page answers `page` on `port`; no Report reaches Mixer. */
async function withProxies(port: 15000 | 15090, page: string) {
  const key = (name: string): string => `bookinfo/${name}:${port}${port === 15090 ? '/stats/prometheus' : '/stats'}`;
  const proxied = ({ kind, metadata }: RecordedObject): boolean => kind === 'Pod' && metadata.namespace === 'bookinfo';
  const { report } = await withStandIn(
    'istio-1.0.6/no-reports',
    (_, env) => reported(['missing-metrics', '--sample', '2'], { env }),
    {
      change: ({ objects, pages }) => {
        for (const pod of objects.filter(proxied)) {
          const ports = port === 15090 ? [{ containerPort: 15090 }] : [];
          (pod.spec as { containers: object[] }).containers.push({
            name: 'istio-proxy',
            image: 'istio/proxyv2:1.0.6',
            ports,
          });
          pages.set(key(pod.metadata.name), { status: 200, contentType: 'text/plain', body: page });
        }
      },
    },
  );
  const check = checkOf(report, 'reports-received');
  return { report, check };
}

const METRICS = (requests: number): string =>
  `# TYPE envoy_http_downstream_rq_total counter\nenvoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="inbound_9080"} ${requests}\n` +
  'envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="admin"} 99\nenvoy_http_mixer_filter_total_report_calls{} 3\n';

const ADMIN = (requests: number): string =>
  `http.inbound_9080.downstream_rq_total: ${requests}\nhttp.admin.downstream_rq_total: 99\nhttp_mixer_filter.total_report_calls: 3\nserver.uptime: 5\n`;

describe('Reports that do not arrive', () => {
  for (const [port, page] of [
    [15090, METRICS],
    [15000, ADMIN],
  ] as const) {
    it(`are lost, when proxies counted requests (their page on ${port})`, async () => {
      const { report, check } = await withProxies(port, page(40));
      assert.deepEqual([check?.status, check?.reason, report.lostAt?.hop], ['fail', 'NotReported', 'envoy->mixer']);
      assert.match(check?.message ?? '', /2 proxies counted 80 requests/);
      assert.deepEqual(check?.evidence, ['the asked proxies made 6 Report calls']);
    });
    it(`are none, when proxies counted only their own scrapes (their page on ${port})`, async () => {
      const { report, check } = await withProxies(port, page(0));
      assert.deepEqual([check?.status, check?.reason, report.verdict], ['unknown', 'NoTraffic', 'inconclusive']);
      assert.match(check?.message ?? '', /the 2 asked have counted no request/);
    });
  }
});
