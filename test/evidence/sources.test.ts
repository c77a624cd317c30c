import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe } from 'node:test';
import type { Report } from '../../src/report/document.ts';
import { ended, listening } from '../support/loopback.ts';
import { istiodObject, modernMesh, PRODUCTPAGE, podObject, productpageObject } from '../support/modern.ts';
import { it, needed } from '../support/programs.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { type PrometheusApi, withPrometheusApi } from '../support/prometheus-api.ts';
import type { Page, RecordedObject } from '../support/recordings.ts';
import { reported } from '../support/run.ts';
import { type StandInOptions, startStandIn } from '../support/stand-in.ts';

/** Gathered through the real kubectl: what the judges' own tests are handed. */

const json = (body: unknown): Page => ({ status: 200, contentType: 'application/json', body: JSON.stringify(body) });

async function checksOf(
  words: readonly string[],
  objects: readonly RecordedObject[],
  pages: ReadonlyMap<string, Page> = new Map(),
  options: StandInOptions = {},
): Promise<ReadonlyMap<string, Report['steps'][number]['checks'][number]>> {
  const standIn = await startStandIn({ ...modernMesh(...objects), pages: new Map(pages) }, options);
  try {
    const { report } = await reported(words, { env: { KUBECONFIG: standIn.kubeconfig } });
    return new Map(report.steps.flatMap(({ checks }) => checks).map((check) => [check.id, check]));
  } finally {
    await standIn.close();
  }
}

/** The definition of a kind, so that the stand-in serves it. */
const kind = (group: string, version: string, plural: string, name: string): RecordedObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: { group, names: { plural, kind: name }, versions: [{ name: version }] },
});

const NETWORKING = [
  kind('networking.istio.io', 'v1alpha3', 'virtualservices', 'VirtualService'),
  kind('networking.istio.io', 'v1alpha3', 'sidecars', 'Sidecar'),
];

const rule = (name: string, namespace: string, spec: object): RecordedObject => ({
  apiVersion: 'networking.istio.io/v1alpha3',
  kind: 'VirtualService',
  metadata: { name, namespace },
  spec: { ...spec },
});

const meshFile = (text: string): RecordedObject =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system' },
    data: { mesh: text },
  }) as unknown as RecordedObject;

describe('rules', () => {
  const PRODUCT = 'productpage.bookinfo.svc.cluster.local';
  const http = [{ route: [{ destination: { host: PRODUCT } }] }];
  const mesh = [istiodObject(), productpageObject(), ...NETWORKING];
  const dump = new Map([[`bookinfo/${PRODUCTPAGE}:15000/config_dump`, json({ configs: [] })]]);

  it('are exported as the mesh’s configuration says where they do not', async () => {
    const objects = [...mesh, rule('far', 'istio-system', { hosts: [PRODUCT], http })];
    const everybody = await checksOf(['route-rules'], objects, dump);
    assert.equal(everybody.get('rules-arrived')?.reason, 'RuleMissing');
    const nobody = await checksOf(
      ['route-rules'],
      [...objects, meshFile('defaultVirtualServiceExportTo: ["."]\n')],
      dump,
    );
    assert.equal(nobody.get('rules-arrived')?.status, 'skip');
  });

  it('for some callers only are not missed elsewhere', async () => {
    const some = [{ match: [{ sourceLabels: { app: 'x' } }], ...http[0] }];
    const found = await checksOf(
      ['route-rules'],
      [...mesh, rule('some', 'bookinfo', { hosts: [PRODUCT], http: some })],
      dump,
    );
    assert.equal(found.get('rules-arrived')?.status, 'skip');
    const mixed = await checksOf(
      ['route-rules'],
      [...mesh, rule('some', 'bookinfo', { hosts: [PRODUCT], http: [...some, ...http] })],
      dump,
    );
    assert.equal(mixed.get('rules-arrived')?.reason, 'RuleMissing');
  });

  it('without hosts are parts of others, and a gateway’s ask no port to be HTTP', async () => {
    const tcp = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'db', namespace: 'bookinfo' },
      spec: { selector: { app: 'productpage' }, ports: [{ name: 'tcp', port: 5432 }] },
    } as unknown as RecordedObject;
    const found = await checksOf(
      ['route-rules'],
      [
        ...mesh,
        tcp,
        rule('part', 'bookinfo', { http }),
        rule('outside', 'bookinfo', {
          hosts: ['db.example.com'],
          gateways: ['g'],
          http: [{ route: [{ destination: { host: 'db' } }] }],
        }),
      ],
    );
    assert.match(found.get('hosts-exist')?.message ?? '', /^1 VirtualService, 1 destination$/);
    assert.equal(found.get('ports-speak-http')?.status, 'skip');
  });

  it('are narrowed to a Service, or to a namespace', async () => {
    const objects = [
      ...mesh,
      rule('a', 'bookinfo', { hosts: ['productpage'], http: [{ route: [{ destination: { host: 'nobody' } }] }] }),
    ];
    assert.equal(
      (await checksOf(['route-rules', 'service/productpage', '-n', 'bookinfo'], objects)).get('hosts-exist')?.reason,
      'HostMissing',
    );
    assert.equal(
      (await checksOf(['route-rules', 'service/istiod', '-n', 'istio-system'], objects)).get('hosts-exist')?.status,
      'skip',
    );
    assert.equal((await checksOf(['route-rules', '-n', 'istio-system'], objects)).get('hosts-exist')?.status, 'skip');
  });
});

describe('what proxies use', () => {
  const prometheus = podObject('prometheus-1', {
    namespace: 'istio-system',
    labels: { app: 'prometheus' },
    containers: [{ name: 'prometheus', image: 'prom/prometheus:v2', ports: [{ containerPort: 9090 }] }],
  });
  const metrics = {
    apiVersion: 'metrics.k8s.io/v1beta1',
    kind: 'PodMetrics',
    metadata: { name: PRODUCTPAGE, namespace: 'bookinfo' },
    containers: [{ name: 'istio-proxy', usage: { cpu: '12345678n' } }],
  } as unknown as RecordedObject;
  const mesh = [istiodObject(), productpageObject(), prometheus];

  it('is the metrics API’s to tell', async () => {
    const found = await checksOf(
      ['envoy-cpu'],
      [...mesh, kind('metrics.k8s.io', 'v1beta1', 'pods', 'PodMetrics'), metrics],
    );
    assert.match(found.get('envoy-cpu-fits-load')?.message ?? '', /^1 proxy, at most 12m \(the metrics API\)$/);
  });

  it('or Prometheus’, whose older labels are known too; it counts refused requests as well', async (context) => {
    needed('kubectl');
    needed('prometheus');
    const began = Date.now();
    const page = createServer((_, response) => {
      const seconds = (Date.now() - began) / 1000;
      response
        .writeHead(200, { 'content-type': 'text/plain' })
        .end(
          [
            `container_cpu_usage_seconds_total{container_name="istio-proxy",namespace="bookinfo",pod_name="${PRODUCTPAGE}"} ${seconds * 200}`,
            `istio_requests_total{response_code="426",namespace="bookinfo",pod="${PRODUCTPAGE}"} ${Math.floor(seconds)}`,
            '',
          ].join('\n'),
        );
    });
    const target = `127.0.0.1:${await listening(page)}`;
    context.after(() => ended(page));
    const real = await startPrometheus([{ name: 'nodes', target }]);
    context.after(() => real.close());
    const standIn = await startStandIn(modernMesh(...mesh), {
      forwardTo: new Map([['istio-system/prometheus-1:9090', real.port]]),
    });
    try {
      const found = async (topic: string, id: string) => {
        const { report } = await reported([topic], { env: { KUBECONFIG: standIn.kubeconfig } });
        return report.steps.flatMap(({ checks }) => checks).find((check) => check.id === id);
      };
      // A rate takes two samples, a second apart.
      let usage = await found('envoy-cpu', 'envoy-cpu-fits-load');
      for (let attempt = 0; attempt < 50 && (usage?.reason ?? null) === null; attempt++) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        usage = await found('envoy-cpu', 'envoy-cpu-fits-load');
      }
      assert.match(usage?.reason ?? '', /^Usage(TooHigh|High|Unexplained)$/, usage?.message);
      assert.match(usage?.message ?? '', new RegExp(`^bookinfo/${PRODUCTPAGE} .* for 0\\.\\d requests a second`));
      const refused = await found('http10', 'http10-not-refused');
      assert.match(refused?.message ?? '', /^\d+ requests? answered with 426 in the last hour, by Prometheus$/);
    } finally {
      await standIn.close();
    }
  });

  it('or that of whichever Prometheus has it, of several', async () => {
    const second = podObject('prometheus-2', {
      namespace: 'monitoring',
      labels: { app: 'prometheus' },
      containers: [{ name: 'prometheus', image: 'prom/prometheus:v2', ports: [{ containerPort: 9090 }] }],
    });
    const counted = { metric: { response_code: '426' }, value: [1, '3'] };
    const answering = (result: readonly object[]) => ({
      reply: () => ({ body: JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }) }),
    });
    const refused = (first: PrometheusApi, other: PrometheusApi) =>
      checksOf(['http10'], [...mesh, second], new Map(), {
        forwardTo: new Map([
          ['istio-system/prometheus-1:9090', Number(new URL(first.url).port)],
          ['monitoring/prometheus-2:9090', Number(new URL(other.url).port)],
        ]),
      }).then((found) => found.get('http10-not-refused'));
    await withPrometheusApi(answering([counted]), (full) =>
      withPrometheusApi(answering([]), (empty) =>
        withPrometheusApi({ reply: () => ({ status: 401 }) }, async (closed) => {
          for (const other of [empty, closed])
            for (const [one, two] of [
              [full, other],
              [other, full],
            ] as const)
              assert.match((await refused(one, two))?.message ?? '', /^3 requests answered with 426/);
          assert.notEqual((await refused(empty, closed))?.status, 'pass');
        }),
      ),
    );
  });

  it('and nobody’s where there is neither', async () => {
    assert.equal(
      (await checksOf(['envoy-cpu'], [istiodObject(), productpageObject()])).get('envoy-cpu-fits-load')?.status,
      'skip',
    );
  });
});

describe('Citadel', () => {
  const old = (name: string, image: string, labels: Record<string, string>, args: string[] = []) =>
    podObject(name, {
      namespace: 'istio-system',
      labels,
      containers: [{ name: name.split('-')[1] ?? '', image, args }],
    });
  const mongo = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'mongo', namespace: 'bookinfo' },
    spec: { clusterIP: 'None', selector: { app: 'productpage' }, ports: [{ name: 'tcp', port: 27017 }] },
  } as unknown as RecordedObject;
  const proxy = productpageObject({
    containers: [
      { name: 'productpage', image: 'p:1' },
      { name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.0.6' },
    ],
  });
  const mixer = old('istio-mixer-1', 'docker.io/istio/mixer:1.0.6', {
    istio: 'mixer',
    'istio-mixer-type': 'telemetry',
  });
  const certs = new Map([
    [
      `bookinfo/${PRODUCTPAGE}:15000/certs`,
      json({
        certificates: [
          { cert_chain: 'Certificate Path: /etc/certs/cert-chain.pem, Serial Number: 1, Days until Expiration: 80' },
        ],
      }),
    ],
  ]);
  const replaced = async (args: string[], image = 'docker.io/istio/citadel:1.0.6'): Promise<string> => {
    const found = await checksOf(
      ['headless-tcp'],
      [mixer, proxy, mongo, old('istio-citadel-1', image, { istio: 'citadel' }, args)],
      certs,
    );
    return found.get('certificates-outlive-connections')?.message ?? '';
  };
  it('renews after half of 90 days by default, and of less before 0.8', async () => {
    assert.match(await replaced([]), /^Envoy is replaced every 45 days, next about /);
    assert.match(await replaced([], 'docker.io/istio/citadel:0.7.1'), /every 10 hours/);
  });
  it('or as its arguments say, in either spelling', async () => {
    assert.match(await replaced(['--workload-cert-ttl=2h']), /every 60 minutes/);
    assert.match(
      await replaced(['--workload-cert-ttl', '2400h', '--workload-cert-grace-period-ratio', '0.1']),
      /every 90 days/,
    );
  });
});

describe('an Istio 0.8 whose proxies poll', () => {
  const polling = productpageObject({
    containers: [
      { name: 'productpage', image: 'p:1', ports: [{ containerPort: 9080 }] },
      {
        name: 'istio-proxy',
        image: 'docker.io/istio/proxy:0.8.0',
        args: ['proxy', 'sidecar', '--discoveryRefreshDelay', '1s'],
      },
    ],
  });
  const mixer = podObject('istio-telemetry-1', {
    namespace: 'istio-system',
    labels: { istio: 'mixer', 'istio-mixer-type': 'telemetry' },
    containers: [{ name: 'mixer', image: 'docker.io/istio/mixer:0.8.0' }],
  });
  const old: RecordedObject = {
    apiVersion: 'config.istio.io/v1alpha2',
    kind: 'RouteRule',
    metadata: { name: 'old', namespace: 'bookinfo' },
    spec: {},
  };
  const rules = [kind('config.istio.io', 'v1alpha2', 'routerules', 'RouteRule'), old];

  it('is told by its arguments, and reads the old rules', async () => {
    assert.equal((await checksOf(['envoy-cpu'], [mixer, polling])).get('refresh-is-slow')?.reason, 'RefreshTooFast');
    assert.match(
      (await checksOf(['route-rules'], [mixer, polling, ...rules])).get('rules-are-read')?.message ?? '',
      /which v1 proxies read/,
    );
  });
  it('and with proxyv2 neither', async () => {
    const pushed = productpageObject({
      containers: [
        { name: 'p', image: 'p:1' },
        { name: 'istio-proxy', image: 'docker.io/istio/proxyv2:0.8.0' },
      ],
    });
    assert.equal((await checksOf(['envoy-cpu'], [mixer, pushed])).get('refresh-is-slow')?.status, 'skip');
    assert.equal(
      (await checksOf(['route-rules'], [mixer, pushed, ...rules])).get('rules-are-read')?.reason,
      'OldRulesIgnored',
    );
  });
});
