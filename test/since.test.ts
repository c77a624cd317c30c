import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import type { Report } from '../src/report/document.ts';
import { CAUSES } from './support/mesh/causes/all.ts';
import { changed } from './support/mesh/causes/cause.ts';
import { comparable } from './support/mesh/examined.ts';
import { type Built, built } from './support/mesh/scenario.ts';
import { type Standing, withStanding } from './support/mesh/standing.ts';
import { DAY, HOUR, type Line, MINUTE, pastOf } from './support/past.ts';
import { it } from './support/programs.ts';
import { launchPrometheus } from './support/prometheus.ts';
import type { Recording } from './support/recordings.ts';
import { ran, reported } from './support/run.ts';
import { withStandIn } from './support/standing.ts';

/** What a workload's proxies counted of what arrived, until so many seconds ago. */
const requestsTo = (name: string, to: number): Line => ({
  name: 'istio_requests_total',
  labels: { reporter: 'destination', destination_workload_namespace: 'shop', destination_workload: name },
  from: to + HOUR,
  to,
  every: 15,
});

/** A store that has scraped for so long; not in the last minutes, of which a test awaits its own scrapes. */
const memory = (from: number): Line => ({
  name: 'up',
  labels: { job: 'kubernetes-pods' },
  from,
  to: 2 * MINUTE,
  every: 4 * MINUTE,
});

/** The mesh of a cause. */
function meshOf(name: string): Built {
  const cause = Object.values(CAUSES)
    .flat()
    .find((each) => each.name === name);
  assert.ok(cause, name);
  const mesh = built('since', cause.spec);
  cause.after?.(mesh);
  return mesh;
}

/** Looks at a mesh, or that of a cause, whose Prometheus remembers `lines`. */
async function remembering(
  of: string | Built,
  lines: readonly Line[],
  use: (standing: Standing, now: number) => Promise<void>,
): Promise<void> {
  const mesh = typeof of === 'string' ? meshOf(of) : of;
  const now = Math.floor(Date.now() / 1000);
  const plan = { ...mesh.plan, past: pastOf([memory(20 * DAY), ...lines], now) };
  await withStanding({ ...mesh, plan }, (standing) => use(standing, now));
}

/** A time of a report, in seconds before `now`. */
const before = (at: string | undefined, now: number): number => now - Date.parse(at ?? '') / 1000;

/** The first loss, which there is. */
function lostIn({ lostAt }: Report): NonNullable<Report['lostAt']> {
  assert.ok(lostAt);
  return lostAt;
}

describe('a loss', { concurrency: true }, () => {
  it('is there since the first of its workloads lost its metrics, and each since its own', async () => {
    const lines = [requestsTo('cart-v1', 40 * MINUTE), requestsTo('prices-v1', 3 * DAY), requestsTo('web-v1', MINUTE)];
    await remembering(
      'two Deployments are older than the label of their namespace',
      lines,
      async ({ look, use }, now) => {
        const { since, undated } = lostIn((await look()).report);
        assert.equal(undated, null);
        assert.ok(since);
        assert.equal(before(since.notBefore, now), 3 * DAY);
        assert.ok(before(since.at, now) < 3 * DAY && before(since.at, now) >= 3 * DAY - 2 * MINUTE);
        const [cart, prices, ...others] = since.subjects;
        assert.deepEqual([cart?.name, prices?.name, others], ['cart-v1', 'prices-v1', []]);
        assert.deepEqual([before(cart?.notBefore, now), before(cart?.at, now)], [40 * MINUTE, 40 * MINUTE - 15]);
        assert.equal(
          since.series,
          'istio_requests_total{reporter="destination",destination_workload_namespace="shop",destination_workload="prices-v1"}',
        );
        const table = await use({}, ({ kubeconfig }) => ran(['missing-metrics'], { env: { KUBECONFIG: kubeconfig } }));
        assert.match(
          table.stdout,
          /\nSINCE {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, 3 days ago \(last sample \d+ s before\)\nFIX /,
        );
      },
    );
  });

  it('tells what the cluster itself did around then, and where it may not look that it may not', async () => {
    const lines = [requestsTo('cart-v1', 40 * MINUTE), requestsTo('prices-v1', 3 * DAY)];
    await remembering('two Deployments are older than the label of their namespace', lines, async ({ look }, now) => {
      const at = (seconds: number): string => new Date((now - 3 * DAY - seconds) * 1000).toISOString();
      const rolledOut = (name: string, owner: string, seconds: number) => ({
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: {
          name,
          namespace: 'shop',
          creationTimestamp: at(seconds),
          annotations: { 'deployment.kubernetes.io/revision': '4' },
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: owner, uid: '1' }],
        },
      });
      const killed = (name: string, pod: string, seconds: number) => ({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name, namespace: 'shop' },
        involvedObject: { kind: 'Pod', name: pod, namespace: 'shop' },
        reason: 'Killing',
        message: 'Stopping container istio-proxy',
        source: { component: 'kubelet' },
        firstTimestamp: at(seconds),
        lastTimestamp: at(seconds),
      });
      const change = ({ objects }: Recording): void =>
        void objects.push(
          rolledOut('prices-v1-5d8c9', 'prices-v1', 30),
          rolledOut('web-v1-5d8c9', 'web-v1', 30),
          killed('a', 'prices-v1-7b6c5-x7k2p', 20),
          killed('b', 'pricess-v1-7b6c5-x7k2p', 20),
        );
      const told = ({ changes }: NonNullable<Report['lostAt']>) =>
        changes.flatMap(({ kind, name, operation, fields }) =>
          ['Rollout', 'Event'].includes(operation) ? [[kind, name, operation, fields]] : [],
        );
      const { report } = await look({ change });
      assert.deepEqual(told(lostIn(report)), [
        ['Deployment', 'prices-v1', 'Rollout', ['revision 4', 'ReplicaSet prices-v1-5d8c9']],
        ['Pod', 'prices-v1-7b6c5-x7k2p', 'Event', ['Killing: Stopping container istio-proxy']],
      ]);
      assert.equal(lostIn(report).unchanged, null);
      const few = await look({
        change,
        options: { faults: [{ match: /^GET .*\/(events|replicasets)\?/, fault: 'forbid' }] },
      });
      assert.deepEqual(told(lostIn(few.report)), []);
      assert.match(
        lostIn(few.report).unchanged ?? '',
        /^not all could be looked at: not allowed: list (events|replicasets) in /,
      );
      assert.deepEqual([few.report.verdict, few.report.unchecked], [report.verdict, report.unchecked]);
    });
  });

  it('of the whole mesh is there since all of it lost its metrics, and is told the same by its bundle', async () => {
    const lines = ['web-v1', 'cart-v1', 'db-v1', 'prices-v1'].map((name) => requestsTo(name, 3 * HOUR));
    const folder = mkdtempSync(join(tmpdir(), 'since-'));
    try {
      await remembering('merging is off, and Prometheus goes by annotations only', lines, async ({ look }, now) => {
        const bundle = join(folder, 'bundle.tar.gz');
        const { report } = await look({ argv: ['missing-metrics', '--save-bundle', bundle] });
        const { since } = lostIn(report);
        assert.deepEqual([before(since?.notBefore, now), before(since?.at, now)], [3 * HOUR, 3 * HOUR - 15]);
        assert.equal(since?.subjects.length, 4);
        const replayed = await reported(['missing-metrics', '--bundle', bundle]);
        assert.deepEqual(comparable(replayed.report), comparable(report));
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('of a ztunnel is there since its own series ended, whosever traffic they count', async () => {
    const name = 'the page of a ztunnel has nothing of Istio’s';
    const pods = meshOf(name).recording.objects.filter(
      ({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('ztunnel-'),
    );
    const lines = pods.map(
      ({ metadata }): Line => ({
        name: 'istio_tcp_connections_opened_total',
        labels: {
          pod: metadata.name,
          reporter: 'source',
          source_workload: 'web-v1',
          source_workload_namespace: 'shop',
        },
        from: 3 * HOUR,
        to: 2 * HOUR,
        every: 15,
      }),
    );
    await remembering(name, lines, async ({ look }, now) => {
      const { since, step } = lostIn((await look()).report);
      assert.equal(step, 'ztunnel-emits');
      assert.deepEqual([before(since?.notBefore, now), before(since?.at, now)], [2 * HOUR, 2 * HOUR - 15]);
      assert.deepEqual(
        since?.subjects.map(({ kind, namespace, name }) => [kind, namespace, name]),
        [['DaemonSet', 'istio-system', 'ztunnel']],
      );
    });
  });

  it('of a target that is down is there since then, also where nobody calls what runs there', async () => {
    const name = 'pages take too long';
    const pods = meshOf(name).recording.objects.filter(
      ({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('web-'),
    );
    const [pod] = pods;
    assert.ok(pod && pods.length > 0);
    const now = Math.floor(Date.now() / 1000);
    const lines = pods.map(
      ({ metadata }): Line => ({
        name: 'up',
        labels: { job: 'kubernetes-pods', pod: metadata.name, instance: '10.0.0.1:15020' },
        from: 9 * DAY,
        to: 2 * MINUTE,
        every: MINUTE,
        value: (at) => Number(at < now - 2 * HOUR),
      }),
    );
    await remembering(name, lines, async ({ look }) => {
      const { since, step, reason } = lostIn((await look()).report);
      assert.deepEqual([step, reason], ['scrape', 'ScrapeTimedOut']);
      assert.ok(since && Math.abs(before(since.at, now) - 2 * HOUR) <= MINUTE, JSON.stringify(since));
      assert.match(since.series, /^up\{pod="web-[^"]+",instance="10\.0\.0\.1:15020"\}$/);
      assert.deepEqual(
        since.subjects.map(({ kind, name }) => [kind, name]),
        [['Deployment', 'web-v1']],
      );
    });
  });

  it('of a Mixer’s mesh is there since what its adapter counts no longer rises', async () => {
    const now = Math.floor(Date.now() / 1000);
    const requests: Line = {
      name: 'istio_requests_total',
      labels: { job: 'istio-mesh', reporter: 'destination' },
      from: 2 * DAY,
      to: 0,
      every: MINUTE,
      // It is shown for ever.
      value: (at) => Math.min(at, now - 5 * HOUR),
    };
    const past = pastOf([memory(20 * DAY), requests], now);
    const prometheus = await launchPrometheus({}, { targets: 0, scrapes: 1, rules: [], past });
    try {
      const forwardTo = new Map([['istio-system/prometheus-1cb6f872bd-e55ee:9090', prometheus.port]]);
      const look = (_: unknown, env: NodeJS.ProcessEnv) => reported(['missing-metrics'], { env });
      const { report } = await withStandIn('istio-1.0.6/handler-missing', look, { forwardTo });
      const { since, reason } = lostIn(report);
      assert.equal(reason, 'HandlerMissing');
      assert.ok(since);
      assert.ok(Math.abs(before(since.notBefore, now) - 5 * HOUR) <= MINUTE, JSON.stringify(since));
      assert.ok(Date.parse(since.at) > Date.parse(since.notBefore));
      assert.deepEqual([since.series, since.subjects], ['istio_requests_total{job="istio-mesh"}', []]);
    } finally {
      await prometheus.close();
    }
  });

  it('of two causes is there since two times, each its own', async () => {
    const spec = changed((each) => {
      // Older than the label of their namespace; and another whose page takes too long.
      for (const workload of each.workloads) {
        if (workload.name !== 'cart-v1') continue;
        workload.proxy = 'none';
        workload.createdAt = '2026-11-19T08:00:00Z';
      }
      each.prometheus.target = (target) => (target.labels.app === 'web' ? { ...target, page: 'down:timeout' } : target);
    });
    const lines = [requestsTo('cart-v1', 3 * DAY), requestsTo('web-v1', 2 * HOUR)];
    await remembering(built('since', spec), lines, async ({ look }, now) => {
      const { report } = await look();
      const found = report.losses.map(({ step, since }) => [step, since && before(since.notBefore, now)]);
      assert.deepEqual(
        found.filter(([step]) => step === 'in-mesh' || step === 'scrape'),
        [
          ['in-mesh', 3 * DAY],
          ['scrape', 2 * HOUR],
        ],
      );
    });
  });

  it('of a workload that a deploy has renamed is told by the name that it has now', async () => {
    const spec = changed((each) => {
      const cart = each.workloads.find(({ name }) => name === 'cart-v1');
      assert.ok(cart);
      Object.assign(cart, { name: 'cart-v2', proxy: 'none', createdAt: '2026-11-19T08:00:00Z' });
    });
    // What was called so until the deploy.
    await remembering(built('since', spec), [requestsTo('cart-v1', 40 * MINUTE)], async ({ look }) => {
      const { since, undated } = lostIn((await look()).report);
      assert.equal(since, null);
      assert.match(undated ?? '', /^never seen in this store, which remembers /);
    });
  });

  it('that is none asks the store and the cluster nothing about the past', async () => {
    const look = (_: unknown, env: NodeJS.ProcessEnv) => reported(['missing-metrics', '-v'], { env });
    const asked = [
      await withStandIn('istio-1.0.6/healthy', look),
      await withStandIn('istio-1.0.6/handler-missing', look),
    ].map(({ stderr }) => stderr.split('\n').filter((line) => /query_range|managed-fields/.test(line)).length);
    // The other store does not tell its history, so that nobody is asked what changed.
    assert.deepEqual(asked, [0, 1]);
  });

  it('that was always there is called so, as far as the store remembers', async () => {
    await remembering('two Deployments are older than the label of their namespace', [], async ({ look, use }, now) => {
      const { since, undated } = lostIn((await look()).report);
      assert.equal(since, null);
      const [, oldest] = /^never seen in this store, which remembers (\S+)$/.exec(undated ?? '') ?? [];
      assert.ok(Math.abs(before(oldest, now) - 20 * DAY) <= 3 * HOUR, undated ?? '');
      const wide = ['missing-metrics', '-o', 'wide'];
      const table = await use({}, ({ kubeconfig }) => ran(wide, { env: { KUBECONFIG: kubeconfig } }));
      assert.match(table.stdout, /\nSINCE {2}not known: never seen in this store, which remembers /);
    });
  });

  it('of a store that does not tell its history is found all the same, with the store’s own words', async () => {
    const lines = [requestsTo('cart-v1', 40 * MINUTE)];
    await remembering('two Deployments are older than the label of their namespace', lines, async ({ look }) => {
      const failed = (status: number, error: string) =>
        ({ match: /query_range/, status, body: JSON.stringify({ status: 'error', error }) }) as const;
      const whole = (await look()).report;
      for (const [answer, said] of [
        [failed(422, 'exceeded maximum resolution of 11,000 points per timeseries'), /^HTTP 422: exceeded maximum/],
        [failed(504, 'query timed out in query execution'), /^HTTP 504: query timed out/],
        [{ match: /query_range/, status: 404, body: '404 page not found' }, /^HTTP 404/],
        [
          { match: /query_range/, status: 200, body: '{"status":"success","data":{"result":[1]}}' },
          /no matrix of series/,
        ],
        [
          {
            match: /query_range/,
            status: 200,
            body: '{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["no store at thanos-1"]}',
          },
          /^the store did not answer whole: no store at thanos-1$/,
        ],
      ] as const) {
        const { report } = await look({ others: [answer] });
        const { since, undated, changes, hop, step, reason } = lostIn(report);
        assert.deepEqual([since, changes], [null, []]);
        assert.match(undated ?? '', said);
        const expected = lostIn(whole);
        assert.deepEqual([hop, step, reason], [expected.hop, expected.step, expected.reason]);
        assert.deepEqual([report.verdict, report.exitCode], ['broken', 1]);
        assert.deepEqual(report.unchecked, whole.unchecked);
      }
    });
  });
});
