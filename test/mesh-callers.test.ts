import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Report } from '../src/report/document.ts';
import { override, telemetry } from './support/mesh/causes/cause.ts';
import { built } from './support/mesh/scenario.ts';
import { app, call, type Spec, shop, workload } from './support/mesh/spec.ts';
import { type Bad, type Seen, withStanding } from './support/mesh/standing.ts';
import { it } from './support/programs.ts';

process.setMaxListeners(200);

const CART = ['missing-metrics', 'deploy/cart-v1', '-n', 'shop'];

/** A shop whose cart is called by the shop's web, and by a desk in another namespace, which is called itself. */
function twoCallers(change: (spec: Spec) => void = () => undefined): Spec {
  const spec = shop();
  spec.namespaces.front = { 'istio-injection': 'enabled' };
  spec.workloads.push(app('desk', { namespace: 'front', replicas: 2 }));
  spec.calls.push(
    call('desk-v1', 'cart-v1', { codes: { '200': 300 } }),
    call('istio-ingressgateway', 'desk-v1', { service: { name: 'desk', namespace: 'front' } }),
  );
  change(spec);
  return spec;
}

const lookAt = (spec: Spec, ...looks: readonly Bad[]): Promise<readonly Seen[]> =>
  withStanding(built('callers', spec), async (mesh) => {
    const seen: Seen[] = [];
    for (const bad of looks) seen.push(await mesh.look({ argv: CART, ...bad }));
    return seen;
  });

const checksIn = ({ steps }: Report) =>
  steps.flatMap((step) => step.checks.map((check) => ({ ...check, step: step.id })));
const said = (report: Report): string =>
  checksIn(report)
    .map(({ step, id, status, reason, message }) => `${step} ${id}: ${status} ${reason ?? ''}: ${message}`)
    .join('\n');
const statusOf = (report: Report, id: string): string | undefined =>
  checksIn(report).find((check) => check.id === id)?.status;

/** What failed, and of whom. */
const failedIn = (report: Report): readonly string[] =>
  checksIn(report).flatMap(({ id, status, causedBy, subjects }) =>
    status === 'fail' && causedBy === null
      ? [`${id}: ${subjects.map(({ namespace, name }) => `${namespace}/${name}`).join()}`]
      : [],
  );

const desk = (change: Parameters<typeof app>[1]): Spec =>
  twoCallers((spec) => Object.assign(workload(spec, 'desk-v1'), change));

/** The Telemetry of a caller's namespace. */
const switching = (
  mode: 'CLIENT' | 'SERVER' | 'CLIENT_AND_SERVER',
  told: readonly ('inbound' | 'outbound')[],
): Spec => {
  const spec = desk({ told });
  spec.objects.push(telemetry('front', 'quiet', [override(true, { metric: 'ALL_METRICS', mode })]));
  return spec;
};

/** Nobody may list the pods of the cluster, nor those of these namespaces. */
const cannotList = (...namespaces: readonly string[]): Bad => ({
  options: {
    faults: [
      { match: new RegExp(`^GET /api/v1/(namespaces/(${['-', ...namespaces].join('|')})/)?pods`), fault: 'forbid' },
    ],
  },
});

describe('the callers of a workload that is named', { concurrency: 4 }, () => {
  it('are looked at with it, whatever namespace they are in, and nothing is said of a mesh that is well', async () => {
    const [named, service, all, database] = await lookAt(
      twoCallers(),
      {},
      { argv: ['missing-metrics', 'service/cart', '-n', 'shop'] },
      { argv: ['missing-metrics'] },
      { argv: ['missing-metrics', 'deploy/db-v1', '-n', 'shop'] },
    );
    assert.ok(named && service && all && database);
    for (const { report, code } of [named, service]) {
      assert.deepEqual([code, report.verdict, report.flow[0]?.in], [0, 'healthy', 1], said(report));
      const { status, message } = checksIn(report).find(({ id }) => id === 'callers-seen') ?? {};
      assert.deepEqual([status, message], ['pass', '2 of 2 callers looked at: shop/web-v1 and front/desk-v1']);
      for (const id of ['in-mesh', 'told', 'configured', 'emit', 'scraped', 'stored'])
        assert.equal(statusOf(report, `callers-${id}`), 'pass', said(report));
    }
    const asked = ({ report }: Seen): number =>
      new Set(
        checksIn(report).flatMap(({ commands }) =>
          commands.filter((each) => each.includes('destination_workload%3D~')),
        ),
      ).size;
    assert.deepEqual([named, service, all].map(asked), [1, 1, 0]);
    assert.ok(!said(all.report).includes('callers-seen'));
    // Of connections too.
    const connected = checksIn(database.report).find(({ id }) => id === 'callers-seen');
    assert.equal(connected?.message, '1 of 1 caller looked at: shop/cart-v1', said(database.report));
  });

  for (const [what, spec, step, reason, failed] of [
    [
      'is not scraped',
      desk({ annotations: { 'prometheus.io/scrape': 'false' } }),
      'scrape',
      'ScrapeSaysFalse',
      'callers-scraped: front/desk-v1',
    ],
    [
      'is told to make no metrics',
      switching('CLIENT_AND_SERVER', []),
      'telemetry-config',
      'MetricsDisabled',
      'callers-told: front/desk-v1',
    ],
    [
      'is told to count nothing that it sends',
      switching('CLIENT', ['inbound']),
      'telemetry-config',
      'OneSideDisabled',
      'callers-told: front/desk-v1',
    ],
    [
      'counts nothing that it sends, and nobody knows why',
      twoCallers((spec) => {
        for (const each of spec.calls) if (each.from === 'desk-v1') each.reporters = ['destination'];
      }),
      'stored',
      'CallersCountNothing',
      'callers-stored: front/desk-v1',
    ],
  ] as const)
    it(`are to blame alone where one ${what}`, async () => {
      const [seen] = await lookAt(spec, {});
      assert.ok(seen);
      const { report, code } = seen;
      assert.deepEqual([code, report.lostAt?.step, report.lostAt?.reason], [1, step, reason], said(report));
      assert.deepEqual(failedIn(report), [failed], said(report));
      const { message = '' } = checksIn(report).find(({ id }) => failed.startsWith(id)) ?? {};
      assert.match(message, /^caller front\/desk-v1: /);
      assert.deepEqual(
        report.flow.filter(({ unit }) => unit === 'pods').map(({ out }) => out),
        [1, 1, 1, 1, 1],
      );
    });

  it('are to blame where a pod of one has no proxy, however pods are found', async () => {
    const withoutProxy: Bad['change'] = ({ objects }) => {
      const pod = objects.find(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('desk-v1'));
      assert.ok(pod);
      const { containers, initContainers } = pod.spec as Record<string, { name: string }[]>;
      for (const each of [containers, initContainers])
        each?.splice(0, each.length, ...each.filter(({ name }) => !name.startsWith('istio-')));
      delete pod.metadata.annotations?.['sidecar.istio.io/status'];
    };
    const looks = await lookAt(
      twoCallers(),
      { change: withoutProxy },
      { change: withoutProxy, argv: [...CART, '-l', 'app=cart'] },
      { change: withoutProxy, ...cannotList() },
    );
    assert.equal(looks.length, 3);
    for (const { report } of looks)
      assert.deepEqual(
        [report.lostAt?.step, failedIn(report)],
        ['in-mesh', ['callers-in-mesh: front/desk-v1']],
        said(report),
      );
  });

  it('are not to blame for what costs the workload nothing', async () => {
    // Of what comes in to the caller nothing is counted, another workload that it calls is lost, and so is one that called once.
    const spec = switching('SERVER', ['outbound']);
    spec.workloads.push(app('batch', { annotations: { 'prometheus.io/scrape': 'false' } }));
    spec.calls.push(call('batch-v1', 'cart-v1', { codes: { '200': 1 } }));
    workload(spec, 'prices-v1').annotations['prometheus.io/scrape'] = 'false';
    const [seen] = await lookAt(spec, {});
    assert.ok(seen);
    assert.deepEqual([seen.code, seen.report.verdict], [0, 'healthy'], said(seen.report));
    const { message, evidence } = checksIn(seen.report).find(({ id }) => id === 'callers-seen') ?? {};
    assert.equal(message, '2 of 3 callers looked at: shop/web-v1 and front/desk-v1');
    assert.ok(evidence?.includes('caller shop/batch-v1: next to nothing in the last hour'), evidence?.join('\n'));
  });

  it('have a cause of their own where the workload loses for the same reason, of another job or object', async () => {
    const spec = twoCallers();
    workload(spec, 'cart-v1').replicas = 2;
    // One pod of each is forgotten.
    const forgotten = new Map<string, string>();
    spec.prometheus.target = (target) => {
      const { app: of = '', instance = '' } = target.labels;
      if (!/^(cart|desk)$/.test(of)) return target;
      if (!forgotten.has(of)) forgotten.set(of, instance);
      return forgotten.get(of) === instance ? null : target;
    };
    const [seen] = await lookAt(spec, {});
    assert.ok(seen);
    assert.deepEqual([seen.code, seen.report.losses.map(({ about }) => about)], [1, [null]], said(seen.report));
    assert.deepEqual(
      failedIn(seen.report),
      ['proxies-are-targets: shop/cart-v1', 'callers-scraped: front/desk-v1'],
      said(seen.report),
    );
    assert.deepEqual(
      checksIn(seen.report).flatMap(({ id, status, causedBy }) =>
        status === 'fail' && causedBy ? [[id, causedBy]] : [],
      ),
      [
        ['proxies-stored', 'scrape'],
        ['callers-stored', 'scrape'],
      ],
    );
  });

  it('cost nothing where nobody knows them, and are unknown where their pods may not be listed', async () => {
    const [silent, refused, some] = await lookAt(
      twoCallers(),
      { others: [{ match: /destination_workload=~/, status: 422, body: '{"status":"error","error":"too many"}' }] },
      cannotList('front'),
      cannotList(),
    );
    assert.ok(silent && refused && some);
    assert.deepEqual([silent.code, silent.report.verdict], [0, 'healthy'], said(silent.report));
    assert.equal(statusOf(silent.report, 'callers-seen'), 'skip', said(silent.report));
    assert.match(said(silent.report), /its callers are not known: .*too many/);

    assert.equal(refused.report.verdict, 'inconclusive', said(refused.report));
    const { status, message } = checksIn(refused.report).find(({ id }) => id === 'callers-seen') ?? {};
    assert.deepEqual(
      [status, message],
      ['unknown', '1 of 2 callers can be looked at: not allowed: list pods in front'],
    );
    assert.ok(refused.report.unchecked.some(({ resource, namespace }) => resource === 'pods' && namespace === 'front'));
    assert.deepEqual(failedIn(refused.report), []);

    // Where that namespace may be listed, it is.
    for (const id of ['callers-seen', 'callers-scraped', 'callers-stored'])
      assert.equal(statusOf(some.report, id), 'pass', said(some.report));
    assert.deepEqual(failedIn(some.report), []);
  });

  it('are asked for by names that namespaces may have, and where these are', async () => {
    const of = (namespace: string) => ({
      metric: {
        reporter: 'destination',
        source_workload: 'desk-v1',
        source_workload_namespace: namespace,
        destination_workload: 'cart-v1',
        last_hour: 'istio_requests_total',
      },
      value: [Date.now() / 1000, '100'],
    });
    const data = { resultType: 'vector', result: ['front', 'gone', '', 'unknown', '../front', 'No Such'].map(of) };
    const others = [
      { match: /destination_workload=~/, status: 200, body: JSON.stringify({ status: 'success', data }) },
    ];
    const [seen] = await lookAt(twoCallers(), { others, ...cannotList() });
    assert.ok(seen);
    const { message, evidence, commands } = checksIn(seen.report).find(({ id }) => id === 'callers-seen') ?? {};
    assert.equal(message, '1 of 6 callers looked at: front/desk-v1', said(seen.report));
    assert.equal(evidence?.filter((line) => line === 'caller desk-v1: namespace not told').length, 4);
    assert.deepEqual(
      commands?.filter((line) => /get pods.*(front|gone|unknown|No Such)/.test(line)),
      ['kubectl get pods -n front'],
    );
  });
});
