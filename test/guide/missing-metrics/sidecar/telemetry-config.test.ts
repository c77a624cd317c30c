import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { yamlIn } from '../../../../src/cluster/question/yaml.ts';
import type { Attempt } from '../../../../src/diagnosis/check.ts';
import type { MadeStats } from '../../../../src/evidence/istio/config-dump.ts';
import { askable, doubtful, type Made } from '../../../../src/evidence/istio/made-stats.ts';
import { meshMetricsIn } from '../../../../src/evidence/istio/mesh-metrics.ts';
import type { Proxy as ProxyPod } from '../../../../src/evidence/istio/population.ts';
import { classesOf, type MetricsTold, NOTHING_LEFT } from '../../../../src/evidence/istio/told.ts';
import { toldPods } from '../../../../src/guide/missing-metrics/sidecar/telemetry-config.ts';
import { callsCountedOnce } from '../../../../src/guide/missing-metrics/telemetry/counted-once.ts';
import { statsFiltersFit } from '../../../../src/guide/missing-metrics/telemetry/envoy-filters.ts';
import { telemetriesRead } from '../../../../src/guide/missing-metrics/telemetry/objects-read.ts';
import { providersMakeMetrics } from '../../../../src/guide/missing-metrics/telemetry/providers.ts';
import type { Evidence } from '../../../../src/guide/missing-metrics/telemetry/sides.ts';
import { metricsSwitchedOn } from '../../../../src/guide/missing-metrics/telemetry/switched-on.ts';
import type { MeshMetrics } from '../../../../src/istio/metrics-providers.ts';
import { judging, NOW, plane, scope } from '../../../support/judging.ts';
import { container, missing, pod } from '../../../support/mixer.ts';
import { allOf, configOf, envoyFilterObject, statsPatch, telemetryObject } from '../../../support/telemetry.ts';

const proxied = (
  title: string,
  change: { kind?: 'gateway'; version?: string; labels?: Record<string, string> } = {},
): ProxyPod => {
  const [namespace = '', name = ''] = title.split('/');
  const own = container('istio-proxy', `docker.io/istio/proxyv2:${change.version ?? '1.31.0'}`);
  return {
    kind: change.kind ?? 'sidecar',
    container: own,
    pod: pod({
      name,
      namespace,
      labels: { app: name.replace(/-\d$/, ''), 'pod-template-hash': 'x', ...change.labels },
      containers: [own],
      owner: { kind: 'ReplicaSet', name: `${name.replace(/-\d$/, '')}-x` },
    }),
  };
};
const PROXIES = [proxied('shop/cart-1'), proxied('shop/cart-2'), proxied('pay/bank-1')];

interface Given {
  mesh?: Partial<MeshMetrics> | null;
  proxies?: readonly ProxyPod[];
  revisions?: readonly string[];
  left?: MetricsTold['left'];
  /** Of istiod. */
  version?: string;
  missing?: MetricsTold['missing'];
  /** What istiod makes for the class of this many: HTTP filters in, and out. */
  made?: (told: MetricsTold) => Attempt<readonly Made[]>;
}

const given = (objects: readonly { kind: string; metadata: object }[], change: Given = {}): Evidence => {
  const all = allOf(objects);
  const { mesh = {}, version = '1.31.0' } = change;
  const { left = NOTHING_LEFT } = change;
  const read = objects.filter(({ metadata }) => !left.namespaces.has((metadata as { namespace: string }).namespace));
  const config = mesh && configOf(read, { mesh, version });
  const told: MetricsTold = {
    classes: classesOf(change.proxies ?? PROXIES, all, config),
    elsewhere: [],
    config,
    all,
    left,
    revisions: change.revisions ?? ['default'],
    missing: change.missing ?? [],
  };
  return { told, made: change.made?.(told) ?? { got: [] } };
};

const side = (...filters: readonly (readonly string[])[]) => ({
  http: { chains: 2, filters: filters.length === 0 ? [] : [filters] },
  tcp: { chains: 2, filters: filters.length === 0 ? [] : [filters] },
});
const nowhere = { http: { chains: 0, filters: [] }, tcp: { chains: 0, filters: [] } };
const makes =
  (inbound: MadeStats['inbound'], outbound: MadeStats['outbound']) =>
  ({ classes }: MetricsTold): Attempt<readonly Made[]> => ({
    got: classes.flatMap((of) => {
      const [asked] = of.proxies;
      return asked ? [{ of, asked, made: { got: { inbound, outbound } } }] : [];
    }),
  });

const off = { metrics: [{ overrides: [{ disabled: true }] }] };
const on = { metrics: [{ overrides: [{ disabled: false }] }] };
const naming = (name: string) => ({ metrics: [{ providers: [{ name }] }] });
const leavingOut = (metric: string, mode?: string) => ({
  metrics: [{ overrides: [{ match: { metric, ...(mode && { mode }) }, disabled: true }] }],
});
const shipped = (version: string, change: object = {}) => ({
  configPatches: ['SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY'].map((context) =>
    statsPatch({ context, proxyVersion: `^1\\.${version}.*`, ...change }),
  ),
});
const none = { mesh: { defaults: [] } };
const modern = { generation: 'telemetry-v2', version: '1.31.0', revision: 'default' } as const;
type Cases = Parameters<typeof judging<Evidence>>[1];
const of31 = (cases: Cases): Cases => cases.map((each) => ({ plane: modern, ...each }));

judging(
  providersMakeMetrics,
  of31([
    {
      when: 'MeshConfig names prometheus',
      given: given([]),
      status: 'pass',
      says: /^3 of 3 proxies told to make metrics by provider prometheus$/,
    },
    { when: 'there is no proxy', given: given([], { proxies: [] }), status: 'skip', says: /no proxy/ },
    {
      when: 'nobody names a provider',
      given: given([], none),
      status: 'fail',
      reason: 'NoMetricsProvider',
      says: /^3 of 3 proxies: no provider of metrics is named$/,
    },
    {
      when: 'MeshConfig’s defaults name tracing only, which takes prometheus out of the chart',
      given: given([], { mesh: { defaults: [], otherDefaults: ['tracing'] } }),
      status: 'fail',
      reason: 'NoMetricsProvider',
      says: /named, as defaultProviders of MeshConfig names tracing only$/,
    },
    {
      when: 'one namespace names what nobody defines',
      given: given([telemetryObject('pay/x', naming('promethius'))]),
      status: 'fail',
      reason: 'ProviderUnknown',
      says: /^1 of 3 proxies: Telemetry pay\/x names provider "promethius", which the mesh does not define$/,
    },
    {
      when: 'MeshConfig names a provider of traces',
      given: given([], { mesh: { defaults: ['otel'], providers: [{ name: 'otel', type: 'opentelemetry' }] } }),
      status: 'fail',
      reason: 'ProviderMakesNone',
      says: /^3 of 3 proxies: MeshConfig in ConfigMap istio names provider "otel", which puts no metrics/,
    },
    {
      when: 'Stackdriver is named since 1.23',
      given: given([telemetryObject('istio-system/x', naming('stackdriver'))]),
      status: 'fail',
      reason: 'ProviderMakesNone',
      says: /^3 of 3 proxies: Telemetry istio-system\/x names provider "stackdriver"/,
    },
    {
      when: 'Stackdriver is named before 1.23, which is no loss',
      given: given([telemetryObject('istio-system/x', naming('stackdriver'))], {
        version: '1.22.4',
      }),
      status: 'skip',
      says: /push their metrics to Stackdriver/,
      plane: { ...modern, version: '1.22.4' },
    },
    {
      when: 'istiod makes them all the same',
      given: given([], { ...none, made: makes(side([]), side([])) }),
      status: 'pass',
      says: /^3 of 3 proxies told to make metrics, as istiod says$/,
    },
    {
      when: 'istiod makes them for one kind of proxies of which the objects say the same as of the others',
      given: given([], {
        ...none,
        made: (told) => {
          const all = makes(side([]), side([]))(told);
          return 'got' in all ? { got: all.got.slice(0, 1) } : all;
        },
      }),
      status: 'unknown',
      reason: 'Undecided',
      says: /^1 of 3 proxies: what they are told is not known$/,
    },
    {
      when: 'istiod makes none, whatever the objects say',
      given: given([], { made: makes(side(), side()) }),
      status: 'fail',
      reason: 'IstiodMakesNone',
      says: /^3 of 3 proxies: istiod makes no filter that counts$/,
    },
    {
      when: 'istiod has no listener that could tell',
      given: given([], { made: makes(nowhere, nowhere) }),
      status: 'pass',
      says: /by provider prometheus/,
    },
    {
      when: 'Telemetry objects may not be listed',
      given: given([], { mesh: null, missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /^3 of 3 proxies: what they are told is not known/,
    },
    {
      when: 'there is no ConfigMap',
      given: given([], { mesh: null }),
      status: 'unknown',
      reason: 'MeshConfigUnknown',
      says: /there is no ConfigMap istio in istio-system$/,
    },
    {
      when: 'there is none, and istiod tells of all',
      given: given([], { mesh: null, made: makes(side([]), side([])) }),
      status: 'pass',
      says: /^3 of 3 proxies told/,
    },
    {
      when: 'there is none, and istiod makes none',
      given: given([], { mesh: null, made: makes(side(), side()) }),
      status: 'fail',
      reason: 'IstiodMakesNone',
      says: /3 of 3/,
    },
    {
      when: 'an EnvoyFilter asks for a version that nobody knows',
      given: given([envoyFilterObject('istio-system/x', shipped('31'))], {
        ...none,
        proxies: [proxied('shop/cart-1', { version: 'latest' })],
      }),
      status: 'unknown',
      reason: 'Undecided',
      says: /^1 of 1 proxy: what they are told is not known$/,
    },
    {
      when: 'not every pod could be listed',
      given: given([], { missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ]),
);

judging(
  metricsSwitchedOn,
  of31([
    { when: 'nothing is off', given: given([]), status: 'pass', says: /^no metric is switched off$/ },
    {
      when: 'the root namespace switches all off',
      given: given([telemetryObject('istio-system/off', off)]),
      status: 'fail',
      reason: 'MetricsDisabled',
      says: /^3 of 3 proxies: Telemetry istio-system\/off switches all metrics off$/,
    },
    {
      when: 'each namespace does for itself',
      given: given([telemetryObject('shop/off', off), telemetryObject('pay/none', off)]),
      status: 'fail',
      reason: 'MetricsDisabled',
      says: /^2 of 3 proxies: Telemetry shop\/off switches all metrics off; 1 more by 1 other cause$/,
    },
    {
      when: 'it does, and one namespace on again',
      given: given([telemetryObject('istio-system/off', off), telemetryObject('shop/on', on)]),
      status: 'fail',
      reason: 'MetricsDisabled',
      says: /^1 of 3 proxies: Telemetry istio-system\/off/,
    },
    {
      when: 'it does, and a namespace names the provider again, in vain',
      given: given([telemetryObject('istio-system/off', off), telemetryObject('shop/on', naming('prometheus'))]),
      status: 'fail',
      reason: 'MetricsDisabled',
      says: /^3 of 3 proxies/,
    },
    {
      when: 'the servers’ side is off',
      given: given([
        telemetryObject('shop/x', { metrics: [{ overrides: [{ match: { mode: 'SERVER' }, disabled: true }] }] }),
      ]),
      status: 'warn',
      reason: 'OneSideDisabled',
      says: /^2 of 3 proxies: Telemetry shop\/x switches the metrics of the calls that come in off$/,
    },
    {
      when: 'a gateway’s one side is off',
      given: given(
        [telemetryObject('edge/x', { metrics: [{ overrides: [{ match: { mode: 'CLIENT' }, disabled: true }] }] })],
        { proxies: [...PROXIES, proxied('edge/gate-1', { kind: 'gateway' })] },
      ),
      status: 'fail',
      reason: 'MetricsDisabled',
      says: /^1 of 4 proxies: Telemetry edge\/x switches all metrics off$/,
    },
    {
      when: 'requests are left out',
      given: given([telemetryObject('shop/x', leavingOut('REQUEST_COUNT'))]),
      status: 'fail',
      reason: 'MetricDropped',
      says: /^2 of 3 proxies: Telemetry shop\/x leaves out istio_requests_total$/,
    },
    {
      when: 'they are left out on one side',
      given: given([telemetryObject('shop/x', leavingOut('REQUEST_COUNT', 'CLIENT'))]),
      status: 'warn',
      reason: 'MetricDropped',
      says: /istio_requests_total$/,
    },
    {
      when: 'they are left out on one side, of two providers',
      given: given([telemetryObject('shop/x', leavingOut('REQUEST_COUNT', 'CLIENT'))], {
        mesh: {
          defaults: ['prometheus', 'second'],
          providers: [
            { name: 'prometheus', type: 'prometheus' },
            { name: 'second', type: 'prometheus' },
          ],
        },
      }),
      status: 'warn',
      reason: 'MetricDropped',
      says: /istio_requests_total$/,
    },
    {
      when: 'sizes are left out to save room',
      given: given([telemetryObject('istio-system/x', leavingOut('REQUEST_SIZE'))]),
      status: 'warn',
      reason: 'MetricDropped',
      says: /^3 of 3 proxies: Telemetry istio-system\/x leaves out istio_request_bytes$/,
    },
    {
      when: 'istiod leaves out nothing',
      given: given([telemetryObject('istio-system/x', leavingOut('REQUEST_SIZE'))], {
        made: makes(side([]), side([])),
      }),
      status: 'pass',
      says: /no metric/,
    },
    {
      when: 'Telemetry objects may not be listed',
      given: given([], { mesh: null, missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not known/,
    },
  ]),
);

judging(
  telemetriesRead,
  of31([
    { when: 'there is none', given: given([]), status: 'pass', says: /^no Telemetry object is about metrics$/ },
    {
      when: 'one has effect',
      given: given([telemetryObject('shop/x', on)]),
      status: 'pass',
      says: /^shop\/x has effect$/,
    },
    {
      when: 'the object that would switch on is younger',
      given: given([telemetryObject('istio-system/off', off), telemetryObject('istio-system/on', on, {}, 60)]),
      status: 'fail',
      reason: 'TelemetryIgnored',
      says: /^3 of 3 proxies: Telemetry istio-system\/on is not read, as istio-system\/off is older$/,
    },
    {
      when: 'a younger object changes labels, and nothing is lost',
      given: given([telemetryObject('shop/a', on), telemetryObject('shop/b', on, {}, 60)]),
      status: 'warn',
      reason: 'TelemetryIgnored',
      says: /^Telemetry shop\/b is not read, as shop\/a is older$/,
    },
    {
      when: 'the object that names the provider is a tag’s',
      given: given([telemetryObject('istio-system/x', naming('prometheus'), { 'istio.io/rev': 'prod' })], none),
      status: 'fail',
      reason: 'TelemetryOfAnotherRevision',
      says: /^3 of 3 proxies: Telemetry istio-system\/x is for revision prod, which no control plane is$/,
    },
    {
      when: 'an older object about traces only is for the whole mesh',
      given: given(
        [
          telemetryObject('istio-system/traces', { tracing: [{ randomSamplingPercentage: 1 }] }),
          telemetryObject('istio-system/metrics', naming('prometheus'), {}, 60),
        ],
        none,
      ),
      status: 'fail',
      reason: 'TelemetryIgnored',
      says: /^3 of 3 proxies: Telemetry istio-system\/metrics is not read, as istio-system\/traces is older$/,
    },
    {
      when: 'the object that names the provider is in a namespace that istiod does not look at',
      given: given([telemetryObject('istio-system/x', naming('prometheus'))], {
        ...none,
        left: {
          namespaces: new Map([['istio-system', {}]]),
          by: [{ matchLabels: { mesh: 'on' } }],
          revision: 'default',
        },
      }),
      status: 'fail',
      reason: 'TelemetryNotDiscovered',
      says: /^3 of 3 proxies: Telemetry istio-system\/x lies in a namespace that no discoverySelector of MeshConfig selects$/,
    },
    {
      when: 'an object that would switch all off is in such a namespace',
      given: given([telemetryObject('istio-system/x', off)], {
        left: {
          namespaces: new Map([['istio-system', {}]]),
          by: [{ matchLabels: { mesh: 'on' } }],
          revision: 'default',
        },
      }),
      status: 'pass',
      says: /./,
    },
    {
      when: 'an object of a tag’s changes nothing',
      given: given([telemetryObject('istio-system/x', off, { 'istio.io/rev': 'prod' })]),
      status: 'warn',
      reason: 'TelemetryOfAnotherRevision',
      says: /^Telemetry istio-system\/x is for revision prod/,
    },
    {
      when: 'an object is another control plane’s, which is there',
      given: given([telemetryObject('istio-system/x', off, { 'istio.io/rev': 'canary' })], {
        revisions: ['default', 'canary'],
      }),
      status: 'pass',
      says: /has effect/,
    },
  ]),
);

judging(
  statsFiltersFit,
  of31([
    { when: 'there is none', given: given([]), status: 'skip', says: /the Telemetry API makes them/ },
    {
      when: 'they fit',
      given: given([envoyFilterObject('istio-system/stats-filter-1.31', shipped('31'))], none),
      status: 'pass',
      says: /no proxy lacks istio-system\/stats-filter-1\.31/,
    },
    {
      when: 'they are of another version',
      given: given([envoyFilterObject('istio-system/stats-filter-1.30', shipped('30'))], none),
      status: 'fail',
      reason: 'StatsFilterVersionMismatch',
      says: /^3 of 3 proxies: EnvoyFilter istio-system\/stats-filter-1\.30 is for proxies of other versions$/,
    },
    {
      when: 'old proxies are left, and a new filter',
      given: given([envoyFilterObject('istio-system/stats-filter-1.31', shipped('31'))], {
        ...none,
        proxies: [...PROXIES, proxied('shop/old-1', { version: '1.29.2' })],
      }),
      status: 'fail',
      reason: 'StatsFilterVersionMismatch',
      says: /^1 of 4 proxies/,
    },
    {
      when: 'they lie where the root namespace was',
      given: given([envoyFilterObject('istio-old/stats-filter-1.31', shipped('31'))], none),
      status: 'fail',
      reason: 'StatsFilterElsewhere',
      says: /^3 of 3 proxies: EnvoyFilter istio-old\/stats-filter-1\.31 is not in the root namespace istio-system$/,
    },
    {
      when: 'they have a tag’s label',
      given: given(
        [envoyFilterObject('istio-system/stats-filter-1.31', shipped('31'), { 'istio.io/rev': 'prod' })],
        none,
      ),
      status: 'fail',
      reason: 'StatsFilterOfAnotherRevision',
      says: /is for revision prod/,
    },
    {
      when: 'one takes the filter away',
      given: given([
        envoyFilterObject('shop/bare', {
          configPatches: [
            statsPatch({ operation: 'REMOVE', anchor: 'istio.stats' }),
            statsPatch({ applyTo: 'NETWORK_FILTER', operation: 'REMOVE', anchor: 'istio.stats' }),
          ],
        }),
      ]),
      status: 'fail',
      reason: 'StatsFilterRemoved',
      says: /^2 of 3 proxies: EnvoyFilter shop\/bare takes the filter away that counts$/,
    },
  ]),
);

judging(
  callsCountedOnce,
  of31([
    { when: 'one filter counts', given: given([]), status: 'pass', says: /no call is counted twice/ },
    {
      when: 'an EnvoyFilter is left over from before',
      given: given([envoyFilterObject('istio-system/stats-filter-1.31', shipped('31'))]),
      status: 'fail',
      reason: 'CountedTwice',
      says: /^3 of 3 proxies count each call twice: by provider prometheus and EnvoyFilter istio-system\/stats-filter-1\.31$/,
    },
    {
      when: 'it is for some',
      given: given([envoyFilterObject('shop/mine', shipped('31'))]),
      status: 'warn',
      reason: 'CountedTwice',
      says: /^2 of 3 proxies count each call twice/,
    },
    {
      when: 'two providers are of one type',
      given: given([], { mesh: { defaults: ['prometheus', 'own'], providers: [{ name: 'own', type: 'prometheus' }] } }),
      status: 'fail',
      reason: 'CountedTwice',
      says: /by provider own and provider prometheus$/,
    },
    {
      when: 'istiod makes two',
      given: given([], { made: makes(side([], []), side([])) }),
      status: 'fail',
      reason: 'CountedTwice',
      says: /^3 of 3 proxies count each call twice$/,
    },
    {
      when: 'istiod makes one all the same',
      given: given([envoyFilterObject('istio-system/stats-filter-1.31', shipped('31'))], {
        made: makes(side([]), side([])),
      }),
      status: 'pass',
      says: /no call/,
    },
  ]),
);

const verdictOf = (check: typeof providersMakeMetrics, evidence: Evidence) => {
  const verdict = check.judge(evidence, { plane: { ...plane, ...modern }, scope, now: NOW });
  assert.ok(verdict.status === 'fail' || verdict.status === 'warn', verdict.message);
  return verdict;
};

describe('what to type for a mesh that makes no metrics', () => {
  it('names the provider in an object of its own', () => {
    const { hint } = verdictOf(providersMakeMetrics, given([], none));
    assert.equal(
      hint,
      `echo '{"apiVersion":"telemetry.istio.io/v1alpha1","kind":"Telemetry","metadata":{"name":"mesh-metrics","namespace":"istio-system"},"spec":{"metrics":[{"providers":[{"name":"prometheus"}]}]}}' | kubectl apply -f -`,
    );
  });

  it('names it in the object that is for the whole mesh already: another would be passed over', () => {
    const { hint } = verdictOf(providersMakeMetrics, given([telemetryObject('istio-system/mesh', on)], none));
    assert.equal(
      hint,
      `kubectl -n istio-system patch telemetries.telemetry.istio.io mesh --type=json -p '[{"op":"add","path":"/spec/metrics/0/providers","value":[{"name":"prometheus"}]}]'`,
    );
  });

  it('mends a misspelled name where it stands', () => {
    const { hint, subjects, evidence } = verdictOf(
      providersMakeMetrics,
      given([telemetryObject('shop/x', naming('gone'))]),
    );
    assert.equal(hint, 'kubectl -n shop edit telemetries.telemetry.istio.io x   # providers: prometheus');
    assert.deepEqual(subjects, [{ kind: 'Deployment', namespace: 'shop', name: 'cart', pods: ['cart-1', 'cart-2'] }]);
    assert.deepEqual(evidence, ['Deployment shop/cart: 2 pods']);
    const mesh = verdictOf(providersMakeMetrics, given([], { mesh: { defaults: ['gone'] } }));
    assert.equal(mesh.hint, 'kubectl -n istio-system edit configmap istio   # defaultProviders.metrics: prometheus');
  });

  it('gives an object back to the control plane that there is', () => {
    const { hint } = verdictOf(
      telemetriesRead,
      given([telemetryObject('istio-system/x', naming('prometheus'), { 'istio.io/rev': 'prod' })], none),
    );
    assert.equal(
      hint,
      'kubectl -n istio-system label telemetries.telemetry.istio.io x istio.io/rev=default --overwrite',
    );
  });

  it('starts pods again whose proxies are older than the filters', () => {
    const { hint } = verdictOf(
      statsFiltersFit,
      given([envoyFilterObject('istio-system/stats-filter-1.31', shipped('31'))], {
        ...none,
        proxies: [proxied('shop/old-1', { version: '1.29.2' })],
      }),
    );
    assert.match(hint, /^kubectl -n shop rollout restart deployment\/old {3}#/);
  });

  it('puts all filters where the root namespace is', () => {
    const { hint, message } = verdictOf(
      statsFiltersFit,
      given(
        ['', 'tcp-'].map((kind) => envoyFilterObject(`istio-old/${kind}stats-filter-1.31`, shipped('31'))),
        none,
      ),
    );
    assert.match(
      message,
      /EnvoyFilters istio-old\/stats-filter-1\.31 and istio-old\/tcp-stats-filter-1\.31 are not in/,
    );
    assert.equal(
      hint,
      `kubectl -n istio-old get envoyfilters.networking.istio.io stats-filter-1.31 tcp-stats-filter-1.31 -o json | jq '(.items // [.])[] | .metadata |= {name, labels, namespace: "istio-system"}' | kubectl apply -f -`,
    );
  });

  it('says what istioctl calls it', () => {
    const { evidence } = verdictOf(
      telemetriesRead,
      given([telemetryObject('shop/a', on), telemetryObject('shop/b', on, {}, 60)]),
    );
    assert.deepEqual(evidence, [
      'istioctl analyze: IST0160 (MultipleTelemetriesWithoutWorkloadSelectors) of shop/a and shop/b',
    ]);
  });

  it('says that istioctl names the objects that select one pod, whichever of them is to blame', () => {
    const selecting = (title: string, app: string) =>
      telemetryObject(title, { ...off, selector: { matchLabels: { app } } });
    const codesOf = (...objects: readonly ReturnType<typeof telemetryObject>[]) =>
      verdictOf(metricsSwitchedOn, given(objects)).evidence?.filter((line) => line.includes('IST'));
    assert.deepEqual(codesOf(selecting('shop/a', 'cart'), selecting('shop/b', 'cart')), [
      'istioctl analyze: IST0159 (ConflictingTelemetryWorkloadSelectors) of shop/a and shop/b',
    ]);
    assert.deepEqual(codesOf(selecting('shop/a', 'cart'), selecting('shop/b', 'web')), []);
    assert.deepEqual(codesOf(telemetryObject('shop/a', off), telemetryObject('istio-system/b', off)), []);
  });

  it('says that istioctl names filters of other versions, and proxies of another release', () => {
    const codesOf = (version: string) =>
      verdictOf(
        statsFiltersFit,
        given([envoyFilterObject('istio-system/stats-filter-1.30', shipped('30'))], {
          ...none,
          proxies: [proxied('shop/old-1', { version })],
        }),
      ).evidence?.flatMap((line) => /IST\d+/.exec(line) ?? []);
    assert.deepEqual(codesOf('1.29.2'), ['IST0155', 'IST0158']);
    assert.deepEqual(codesOf('1.31.0'), ['IST0155']);
  });

  it('deletes the EnvoyFilter that counts a second time', () => {
    const verdict = verdictOf(
      callsCountedOnce,
      given([envoyFilterObject('istio-system/stats-filter-1.31', shipped('31'))]),
    );
    assert.match(
      verdict.hint,
      /^kubectl -n istio-system delete envoyfilters\.networking\.istio\.io stats-filter-1\.31 {3}#/,
    );
    assert.equal(verdict.effect, 'wrong');
  });

  it('quotes what is hostile', () => {
    const { hint } = verdictOf(providersMakeMetrics, given([telemetryObject("shop/x';reboot", naming('gone'))]));
    assert.match(hint, /telemetries\.telemetry\.istio\.io 'x'\\'';reboot'/);
  });
});

describe('the proxies that are told', () => {
  const names = (evidence: Evidence) => {
    const pods = toldPods(evidence);
    return pods && [...pods].map(({ name }) => name);
  };
  it('are those that count on one side at least', () => {
    assert.deepEqual(names(given([telemetryObject('pay/off', off)])), ['cart-1', 'cart-2']);
    const half = { metrics: [{ overrides: [{ match: { mode: 'CLIENT' }, disabled: true }] }] };
    assert.equal(names(given([telemetryObject('pay/off', half)]))?.length, 3);
  });
  it('are not known where MeshConfig is not', () => assert.equal(names(given([], { mesh: null })), null));

  it('are told apart by the labels that are asked for', () => {
    const objects = [
      telemetryObject('shop/x', { selector: { matchLabels: { app: 'cart' } }, ...off }),
      telemetryObject('istio-system/y', on),
    ];
    const many = Array.from({ length: 50 }, (_, index) =>
      proxied(`shop/cart-${index % 10}`, { labels: { run: String(index) } }),
    );
    const { told } = given(objects, { proxies: [...many, proxied('shop/web-1')] });
    assert.deepEqual(
      told.classes.map(({ proxies }) => proxies.length),
      [50, 1],
    );
  });
});

describe('whom istiod is asked about', () => {
  const namespaces = (objects: Parameters<typeof given>[0]): readonly string[] =>
    doubtful(given(objects).told.classes).map(({ proxy }) => proxy.namespace);

  it('those that are told nothing', () => {
    assert.deepEqual(namespaces([telemetryObject('pay/off', off)]), ['pay']);
  });

  it('one other, where all are told', () => {
    assert.equal(namespaces([]).length, 1);
  });

  it('none whose name is a part of another’s', () => {
    const [first, second] = PROXIES;
    assert.equal(askable(PROXIES, ['cart-1.shop', 'cart-1.shop-test', 'cart-2.shop']), second);
    assert.equal(askable(PROXIES, ['cart-1.shop', 'my-cart-1.shop']), null);
    assert.equal(askable(PROXIES, ['cart-1.shop', 'cart-11.shop']), first);
    assert.equal(askable(PROXIES, []), null);
  });
});

describe('what MeshConfig says of metrics', () => {
  it('is read, also of the chart’s trap', async () => {
    const yaml = [
      'rootNamespace: istio-config',
      'defaultProviders: {tracing: [otel]}',
      'extensionProviders:',
      '- name: otel',
      '  opentelemetry: {service: otel, port: 4317}',
    ].join('\n');
    assert.deepEqual(meshMetricsIn(await yamlIn(yaml), 'istio-system'), {
      rootNamespace: 'istio-config',
      defaults: [],
      otherDefaults: ['tracing'],
      providers: [{ name: 'otel', type: 'opentelemetry' }],
    });
  });
  for (const odd of [
    '',
    '[]',
    'defaultProviders: 7',
    'extensionProviders: {a: 1}',
    'defaultProviders: {metrics: prometheus}',
  ])
    it(`is nothing of ${JSON.stringify(odd)}`, async () =>
      assert.deepEqual(meshMetricsIn(await yamlIn(odd), 'x'), {
        rootNamespace: 'x',
        defaults: [],
        otherDefaults: [],
        providers: [],
      }));
});
