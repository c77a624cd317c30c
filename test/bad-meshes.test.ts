import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { telemetryConfig } from '../src/guide/missing-metrics/sidecar/telemetry-config.ts';
import type { Report } from '../src/report/document.ts';
import { PROMETHEUS, telemetry } from './support/mesh/causes/cause.ts';
import { built } from './support/mesh/scenario.ts';
import { app, type Spec, shop } from './support/mesh/spec.ts';
import { type Bad, keepOnly, type Seen, sharedMesh, withStanding } from './support/mesh/standing.ts';
import { it } from './support/programs.ts';
import type { Recording } from './support/recordings.ts';
import { checkOf, ran } from './support/run.ts';

process.setMaxListeners(200);

/** A look at another mesh, which has a Prometheus of its own. */
function lookAt(change: (spec: Spec) => void, bad: Bad = {}): Promise<Seen> {
  const spec = shop();
  change(spec);
  return withStanding(built('bad', spec), (mesh) => mesh.look(bad));
}

const stepOf = ({ report }: Seen, id: string) => report.steps.find((step) => step.id === id);
const statusesOf = ({ steps }: Report, status: string): readonly string[] =>
  steps.filter((step) => step.status === status).map(({ id }) => id);

/** Something could not be looked at: it is not green, what is not known is named, and nobody is blamed for it. */
function assertUnknown(seen: Seen, unknown: readonly string[], passing: readonly string[]): void {
  const { report, code } = seen;
  const said = report.steps.map(({ id, status, message }) => `${id}: ${status}: ${message}`).join('\n');
  assert.deepEqual([report.verdict, code], ['inconclusive', 3], said);
  for (const id of unknown) assert.equal(stepOf(seen, id)?.status, 'unknown', said);
  for (const id of passing) assert.equal(stepOf(seen, id)?.status, 'pass', said);
  assert.deepEqual(statusesOf(report, 'fail'), [], said);
}

const vector = (...result: object[]): string =>
  JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });

// More at once would keep this process, which serves their pages, from scrapes.
describe('a mesh with', { concurrency: 2 }, () => {
  /** The healthy shop, whose one Prometheus all of these tests ask. */
  const healthy = sharedMesh(() => built('bad', shop()));

  const look = async (bad: Bad = {}): Promise<Seen> => (await healthy()).look(bad);

  describe('a Prometheus that answers', () => {
    const all = (status: number, body: string, contentType = 'application/json'): Bad => ({
      others: [{ match: /^\//, status, body, contentType }],
    });
    const refusing: readonly (readonly [string, Bad, string])[] = [
      ['401', all(401, 'Unauthorized'), 'Unauthorized'],
      ['403 of a proxy before it', all(403, '<html><title>Forbidden</title></html>', 'text/html'), 'Unauthorized'],
      ['a login page', all(200, '<html><title>Sign in</title></html>', 'text/html'), 'BadAnswer'],
      ['500', all(500, 'oops', 'text/plain'), 'BadAnswer'],
      [
        '422 to every query',
        {
          others: [
            { match: /query/, status: 422, body: '{"status":"error","errorType":"execution","error":"too many"}' },
          ],
        },
        'BadAnswer',
      ],
      ['half of its JSON', all(200, '{"status":"success","data":{"resultType":"vec'), 'BadAnswer'],
      ['another API’s JSON', all(200, '[]'), 'BadAnswer'],
    ];
    for (const [what, bad, reason] of refusing) {
      it(`${what}: what it alone knows is unknown, and what pages and istiod say stays`, async () => {
        const seen = await look(bad);
        assertUnknown(seen, ['stored', 'protocol', 'proxy-emits'], ['in-mesh', 'telemetry-config', 'config-delivery']);
        const { report } = seen;
        assert.equal(checkOf(seen.report, 'proxies-stored')?.reason, reason);
        assert.ok(report.unchecked.some((each) => each.step === 'stored' && each.reason === reason));
        // Three of six pages are no proof of the other three.
        assert.equal(checkOf(seen.report, 'stats-filter-loaded')?.reason, 'NotAllRead');
        assert.deepEqual(
          report.flow.filter(({ to }) => to === 'emit' || to === 'stored').map(({ out }) => out),
          [null, null],
        );
      });
    }
    it('with warnings: what it lacks may be there', async () => {
      const warning = { ...JSON.parse(vector()), warnings: ['no StoreAPIs matched'] } as object;
      const seen = await look({ others: [{ match: /query/, status: 200, body: JSON.stringify(warning) }] });
      assertUnknown(seen, ['stored'], ['in-mesh', 'telemetry-config', 'config-delivery']);
      assert.equal(checkOf(seen.report, 'proxies-stored')?.reason, 'PartialAnswer');
    });
    it('nothing: that is a loss, found where it is', async () => {
      const { report, code } = await look({ others: [{ match: /query/, status: 200, body: vector() }] });
      assert.deepEqual([code, report.verdict], [1, 'broken']);
      assert.ok(!['in-mesh', 'telemetry-config', 'config-delivery'].includes(report.lostAt?.step ?? ''));
    });
    it('NaN to all: nothing of it is a number, and nothing is healthy', async () => {
      const body = vector({ metric: { namespace: 'shop', pod: 'web' }, value: [1_795_860_000, 'NaN'] });
      const { report } = await look({ others: [{ match: /query/, status: 200, body }] });
      assert.notEqual(report.verdict, 'healthy');
      assert.ok(!JSON.stringify(report).includes('NaN'));
    });
    it('404 for its targets: the series are judged all the same', async () => {
      const seen = await look({
        others: [{ match: /targets|status\/config/, status: 404, body: '404 page not found' }],
      });
      assert.equal(stepOf(seen, 'stored')?.status, 'pass');
      assert.deepEqual(statusesOf(seen.report, 'fail'), []);
      // Each proxy is proven by what is stored of its scrapes, and whatever needs more says so.
      assert.match(stepOf(seen, 'scrape')?.message ?? '', /^6 proxies, by what is stored/);
      assert.equal(checkOf(seen.report, 'pages-fit-limits')?.status, 'skip');
    });
  });

  /** A second Prometheus, at which nothing answers. */
  const another = (mesh: Recording): void => {
    const pod = mesh.objects.find(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('prometheus'));
    assert.ok(pod);
    const metadata = {
      ...structuredClone(pod.metadata),
      namespace: 'monitoring',
      name: 'prometheus-0',
      annotations: {},
    };
    mesh.objects.push({ ...structuredClone(pod), metadata });
  };

  /** No Prometheus, and nobody who would ask one. */
  const withoutStores = ({ objects }: Recording): void =>
    keepOnly(objects, ({ metadata }) => !/^(prometheus|grafana|kiali)/.test(metadata.name));

  describe('Prometheus servers', () => {
    it('of which one has the series: that one is judged, and the other is named', async () => {
      const seen = await look({ change: another });
      // The other does not answer: what it may have, in sums and copies, is not known.
      assertUnknown(seen, ['stored'], ['in-mesh', 'proxy-emits']);
      assert.equal(checkOf(seen.report, 'proxies-stored')?.status, 'pass');
      assert.match(checkOf(seen.report, 'proxies-stored')?.message ?? '', /monitoring\/prometheus-0 did not tell/);
    });
    it('of which none is there: nothing is stored that could be seen', async () => {
      const seen = await look({ change: withoutStores });
      assertUnknown(seen, ['stored', 'proxy-emits'], ['in-mesh', 'telemetry-config', 'config-delivery']);
      assert.equal(checkOf(seen.report, 'proxies-stored')?.reason, 'NoStore');
    });
  });

  describe('an istiod', () => {
    const isIstiods = /\/istiod[^/]*:/;
    const without =
      (which: RegExp) =>
      ({ pages }: Recording): void => {
        for (const key of pages.keys()) if (isIstiods.test(key) && which.test(key)) pages.delete(key);
      };
    it('without debug pages: what it sent is unknown, and the rest is judged', async () => {
      const seen = await look({ change: without(/\/debug\//) });
      assertUnknown(seen, ['config-delivery'], ['in-mesh', 'telemetry-config', 'proxy-emits', 'stored']);
      assert.match(checkOf(seen.report, 'istiod-answers')?.message ?? '', /debug pages are off on 1 of 1 replica/);
    });
    it('that does not answer: the same', async () => {
      const seen = await look({ change: without(/./) });
      assertUnknown(seen, ['config-delivery'], ['in-mesh', 'proxy-emits', 'stored']);
      assert.equal(checkOf(seen.report, 'istiod-answers')?.reason, 'ConnectionRefused');
    });
    it('outside of the cluster is named by its webhook, and no green', async () => {
      const seen = await look({
        change: ({ objects, ...mesh }) => {
          without(/./)({ objects, ...mesh });
          const isOwn = /^(Pod|Deployment|ReplicaSet|Service)$/;
          keepOnly(objects, ({ kind, metadata }) => !(isOwn.test(kind) && metadata.name.startsWith('istiod')));
          for (const object of objects)
            for (const webhook of (object as { webhooks?: object[] }).webhooks ?? [])
              Object.assign(webhook, { clientConfig: { url: 'https://istiod.example.com/inject' } });
        },
      });
      assertUnknown(seen, ['config-delivery'], ['in-mesh', 'proxy-emits', 'stored']);
      assert.equal(checkOf(seen.report, 'istiod-answers')?.reason, 'IstiodElsewhere');
      assert.match(checkOf(seen.report, 'istiod-answers')?.message ?? '', /https:\/\/istiod\.example\.com/);
    });
  });

  describe('pages of proxies', () => {
    const isProxys = /:15(020|090)\/stats/;
    it('that are not served: unknown, in the words of the port', async () => {
      const seen = await look({
        change: ({ pages, ...mesh }) => {
          withoutStores({ pages, ...mesh });
          for (const key of pages.keys()) if (isProxys.test(key)) pages.delete(key);
        },
      });
      assertUnknown(seen, ['proxy-emits', 'stored'], ['in-mesh', 'config-delivery']);
      assert.ok(
        seen.report.unchecked.some(({ step, reason }) => step === 'proxy-emits' && reason === 'ConnectionRefused'),
      );
    });
    it('without Envoy’s part prove nothing of Envoy', async () => {
      const seen = await look({
        change: ({ pages, ...mesh }) => {
          withoutStores({ pages, ...mesh });
          for (const [key, page] of pages) {
            if (key.includes(':15090/')) pages.set(key, { ...page, status: 503, body: 'upstream connect error' });
            const body = String(page.body).replace(/^# TYPE (envoy|istio_(requests|tcp|build))[\s\S]*/m, '');
            if (key.includes(':15020/')) pages.set(key, { ...page, body });
          }
        },
      });
      assertUnknown(seen, ['proxy-emits', 'stored'], ['in-mesh', 'config-delivery']);
    });
    it('of 8 MB are read', async () => {
      const more = Array.from(
        { length: 40_000 },
        (_, at) => `istio_requests_total{x="${at}${'y'.repeat(170)}"} 1\n`,
      ).join('');
      const seen = await look({
        argv: ['missing-metrics', '--sample', '9'],
        change: ({ pages, ...mesh }) => {
          withoutStores({ pages, ...mesh });
          for (const [key, page] of pages)
            if (isProxys.test(key)) pages.set(key, { ...page, body: `${String(page.body)}${more}` });
        },
      });
      assertUnknown(seen, ['stored'], ['in-mesh', 'proxy-emits']);
    });
    it('on nodes that do not answer cost their time, and nothing that was found', async () => {
      const seen = await look({
        argv: ['missing-metrics', '--request-timeout', '3s'],
        options: { faults: [{ match: /^UPGRADE/, fault: 'stall' }] },
      });
      assertUnknown(seen, ['config-delivery', 'proxy-emits', 'stored'], ['in-mesh', 'telemetry-config']);
      assert.ok(
        seen.report.unchecked.some(({ reason, resource }) => reason === 'TimedOut' && resource === 'pods/portforward'),
      );
    });
  });

  describe('objects that are', () => {
    it('Telemetries of no shape are not taken for none', async () => {
      const odd = (name: string, spec: Record<string, unknown>) => ({ ...telemetry('shop', name, []), spec });
      const seen = await look({
        change: ({ objects }) => {
          objects.push(
            odd('texts', { metrics: 'all', selector: 5 }),
            odd('nulls', { metrics: [null, { overrides: [null], providers: null }], selector: null }),
            odd('newer', { metrics: [{ providers: PROMETHEUS, nonsense: { a: [1] } }], fromTomorrow: true }),
          );
        },
      });
      assert.doesNotMatch(seen.stderr, /bug|\n +at /);
      assert.equal(stepOf(seen, 'stored')?.status, 'pass');
    });
    it('of a kind that is not installed are none', async () => {
      const { report, code } = await look({
        change: ({ objects }) => keepOnly(objects, ({ metadata }) => !metadata.name.endsWith('.istio.io')),
      });
      assert.deepEqual([report.verdict, code], ['healthy', 0], JSON.stringify(report.unchecked));
    });
    it('finished or deleted pods count nowhere', async () => {
      const { report } = await lookAt((spec) => {
        spec.workloads.push(
          app('job', { kind: 'Job', phase: 'Succeeded' }),
          app('old', { phase: 'Succeeded', proxy: 'none' }),
        );
      });
      assert.deepEqual([report.verdict, report.flow[0]?.in], ['healthy', 6]);
    });
    it('pods of this minute are neither blamed nor counted as lost', async () => {
      const { report } = await lookAt((spec) => {
        spec.workloads.push(app('fresh', { createdAt: '2026-11-22T09:59:40Z' }));
        spec.prometheus.target = (target) => (target.labels.app === 'fresh' ? null : target);
      });
      assert.equal(report.verdict, 'healthy');
      assert.deepEqual(
        report.flow.filter(({ unit }) => unit === 'pods').map(({ in: before, out }) => [before, out]),
        report.flow.filter(({ unit }) => unit === 'pods').map(() => [6, 6]),
      );
    });
    it('a mesh of this minute is not known yet', async () => {
      const { report } = await lookAt((spec) => {
        for (const each of spec.workloads) each.createdAt = '2026-11-22T09:59:40Z';
        spec.prometheus.by = 'nothing';
      });
      assert.equal(report.verdict, 'inconclusive');
      assert.deepEqual(statusesOf(report, 'fail'), []);
    });
  });

  describe('hostile text in a mesh', () => {
    const hostile = '\x1b[31m\u202e$(reboot)\n`x` \'"; rm -rf / #';
    const long = 'n'.repeat(253);
    const bad: Bad = {
      others: [
        {
          match: /query/,
          status: 200,
          body: JSON.stringify({
            status: 'success',
            warnings: [hostile],
            data: {
              resultType: 'vector',
              result: [{ metric: { __name__: hostile, pod: hostile, namespace: long, job: hostile }, value: [1, '1'] }],
            },
          }),
        },
      ],
      change: ({ objects }) => {
        for (const { kind, metadata } of objects) {
          if (!/^(web|cart|db)/.test(metadata.name)) continue;
          Object.assign(metadata.labels ?? {}, { evil: hostile, version: hostile });
          if (kind === 'Pod' && metadata.name.startsWith('cart'))
            Object.assign(metadata.annotations ?? {}, {
              'prometheus.io/port': hostile,
              'sidecar.istio.io/status': hostile,
              'traffic.sidecar.istio.io/excludeInboundPorts': `8080,${hostile}`,
            });
          if (kind === 'Pod' && metadata.name.startsWith('web'))
            metadata.ownerReferences = [{ kind: hostile, name: long, controller: true }];
        }
        const object = telemetry('shop', long, [
          { overrides: [{ match: { metric: hostile }, tagOverrides: { [hostile]: { value: hostile } } }] },
        ]);
        objects.push({ ...object, metadata: { ...object.metadata, labels: { 'istio.io/rev': hostile } } });
        objects.push({ ...telemetry('shop', 'provider', [{ providers: [{ name: hostile }] }]) });
      },
    };
    it('neither steers a terminal nor breaks a line, in any format', async () => {
      await (await healthy()).use(bad, async ({ kubeconfig }) => {
        for (const format of ['table', 'wide', 'yaml', 'json']) {
          const { stdout, stderr, code } = await ran(['missing-metrics', '-o', format, '--color', 'never'], {
            env: { KUBECONFIG: kubeconfig },
          });
          assert.ok(code === 1 || code === 3, `${code}: ${stderr}`);
          assert.doesNotMatch((stdout + stderr).replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u, format);
          assert.doesNotMatch(stderr, /bug in|\n +at /, format);
        }
      });
    });
    it('is no command in a hint', async () => {
      const { report } = await look(bad);
      for (const { hint } of report.steps.flatMap(({ checks }) => checks)) {
        // What stands behind the hash is a comment; what stands in quotes is no command.
        const bare = (hint ?? '').replace(/ {3}#.*$/, '').replaceAll(/'[^']*'/g, '');
        assert.doesNotMatch(bare, /\$\(|`|rm -rf/, hint ?? '');
      }
    });
  });

  describe('a run that ends early', () => {
    it('by its --timeout says so, and what it had seen', async () => {
      const seen = await look({
        argv: ['missing-metrics', '--timeout', '6s'],
        options: { faults: [{ match: /^PAGE.*syncz/, fault: 'stall' }] },
      });
      assertUnknown(seen, ['config-delivery'], ['in-mesh', 'proxy-emits', 'stored']);
      assert.match(checkOf(seen.report, 'istiod-answers')?.message ?? '', /--timeout 6s/);
    });
    it('by Ctrl-C half-way: what was found stays, and it is no green', async () => {
      const interrupt = new AbortController();
      const { report, code } = await look({
        options: { faults: [{ match: /^PAGE.*syncz/, fault: 'stall' }] },
        world: () => ({
          isTTY: true,
          // A terminal is told what is waited for: in-mesh is judged by then, and istiod is waited for.
          hears: (text) => {
            if (text.includes(telemetryConfig.title)) interrupt.abort();
          },
          interrupt: interrupt.signal,
          signal: () => (interrupt.signal.aborted ? 'SIGINT' : null),
        }),
      });
      assert.deepEqual([code, report.run.interrupted], [130, true]);
      assert.notEqual(report.verdict, 'healthy');
      assert.equal(report.steps.find(({ id }) => id === 'in-mesh')?.status, 'pass');
      assert.deepEqual(statusesOf(report, 'fail'), []);
    });
  });
});
