import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Scope } from '../../../../src/diagnosis/check.ts';
import type { Population } from '../../../../src/evidence/istio/population.ts';
import type { Pod } from '../../../../src/evidence/kubernetes/pod.ts';
import type { Service, ServicePort } from '../../../../src/evidence/kubernetes/service.ts';
import type { StoreAnswer } from '../../../../src/evidence/prometheus/store.ts';
import { requestsAreCounted } from '../../../../src/guide/missing-metrics/sidecar/protocol/counted.ts';
import { portsAreNamed } from '../../../../src/guide/missing-metrics/sidecar/protocol/named.ts';
import { judging, NOW, plane, scope } from '../../../support/judging.ts';
import { container, listed, missing, partly, pod, port, service } from '../../../support/mixer.ts';

const modern = { generation: 'telemetry-v2', version: '1.31.0', revision: 'default' } as const;
const proxy = container('istio-proxy', 'proxyv2:1.31.0', { args: ['proxy', 'sidecar'] });

/** A pod behind Service cart, whose container names its port 8080 so. */
const web = (name: string | null = null, image = 'cart:1', number = 8080): Pod =>
  pod({
    name: 'cart-5d4-x',
    namespace: 'shop',
    labels: { app: 'cart', 'pod-template-hash': '5d4' },
    owner: { kind: 'ReplicaSet', name: 'cart-5d4' },
    containers: [container('app', image, { ports: [{ name, port: number }] }), proxy],
  });
const populationOf = (...pods: readonly Pod[]): Population => ({
  proxies: pods.map((each) => ({ pod: each, kind: 'sidecar', container: proxy })),
  envoyless: [],
  outsiders: { got: [] },
  refusal: null,
});
const cart = (...ports: readonly ServicePort[]): Service => service('cart', { namespace: 'shop', ports });
const to8080 = { targetPort: 8080 };

const CART = 'cart.shop.svc.cluster.local';
const answer = (...rows: readonly (readonly [string, string, string?])[]): { got: readonly StoreAnswer[] } => ({
  got: [
    {
      where: 'prometheus',
      partial: [],
      series: {
        got: rows.map(([reporter, host, workload = 'cart']) => ({
          labels: new Map([
            ['reporter', reporter],
            ['destination_service', host],
            ['destination_workload', workload],
          ]),
          value: 3,
          at: NOW,
        })),
      },
    },
  ],
});
const notWhole = { got: answer().got.map((each) => ({ ...each, partial: ['a store timed out'] })) };
const named: Partial<Scope> = { workload: { kind: 'deployment', name: 'cart', namespace: 'shop' } };
const whole = { narrowed: null, requests: answer(), connections: answer(['destination', CART]) };
const looked = (ports: readonly ServicePort[], on: Pod = web()) => ({
  ...whole,
  population: populationOf(on),
  services: listed(cart(...ports)),
});

judging(portsAreNamed, [
  {
    when: 'HTTP is said or looked for, and a database is called what it is',
    given: {
      ...looked([
        port('http', 80, to8080),
        port('web', 81, to8080),
        port(null, 82, to8080),
        port('redis', 6379, to8080),
      ]),
    },
    status: 'pass',
    says: /^1 port of HTTP; 2 ports without a protocol, looked at$/,
    plane: modern,
  },
  {
    when: 'the name says TCP first, and HTTP then',
    given: looked([port('tcp-http', 8080)]),
    status: 'warn',
    reason: 'HttpTakenForTcp',
    says: /^shop\/cart port 8080 \(tcp-http\) is TCP by its name tcp-http, and the port's name tcp-http says HTTP$/,
    plane: modern,
  },
  {
    when: 'appProtocol takes it away from the name, for the workload that was named',
    given: looked([port('http-web', 8080, { appProtocol: 'tcp' })]),
    status: 'fail',
    reason: 'HttpTakenForTcp',
    says: /is TCP by its appProtocol tcp/,
    plane: modern,
    scope: named,
  },
  {
    when: 'the container says HTTP',
    given: looked([port('tcp', 80, to8080)], web('http')),
    status: 'warn',
    reason: 'HttpTakenForTcp',
    says: /a container's port http says HTTP/,
    plane: modern,
  },
  {
    when: 'the targetPort says gRPC',
    given: looked([port('tcp-api', 80, { targetPort: 'grpc' })], web('grpc')),
    status: 'warn',
    reason: 'HttpTakenForTcp',
    says: /its targetPort grpc says HTTP/,
    plane: modern,
  },
  {
    when: 'a number on which Istio does not look has HTTP behind it',
    given: looked([port('gateway', 25, to8080)], web('http')),
    status: 'warn',
    reason: 'HttpTakenForTcp',
    says: /is TCP by its number 25, on which Istio looks at nothing/,
    plane: modern,
  },
  {
    when: 'a port called HTTPS leads to plain HTTP',
    given: looked([port('https', 443, { targetPort: 'http' })], web('http')),
    status: 'warn',
    reason: 'HttpTakenForTcp',
    says: /is HTTPS by its name https/,
    plane: modern,
  },
  {
    when: 'a port called HTTPS leads to HTTPS',
    given: looked([port('https', 443, { targetPort: 8080 })], web('https')),
    status: 'pass',
    says: /^1 port of TCP or TLS, and no name says HTTP$/,
    plane: modern,
  },
  ...(
    [
      ['a database’s image is behind it', [port('tcp-web', 8080)], web('http', 'docker.io/library/postgres:16')],
      ['its number is a database’s', [port('tcp', 3306)], web('http', 'cart:1', 3306)],
      ['its name is a broker’s', [port('tcp-kafka-http', 8080)], web()],
    ] as const
  ).map(([when, ports, on]) => ({
    when: `${when}: it is left alone`,
    given: looked(ports, on),
    status: 'skip' as const,
    says: /no Service leads to a sidecar/,
    plane: modern,
  })),
  {
    when: 'requests are counted all the same, by the Service’s only port',
    given: { ...looked([port('tcp-http', 8080)]), requests: answer(['destination', CART]) },
    status: 'pass',
    says: /^1 port of TCP or TLS, and no name says HTTP$/,
    plane: modern,
  },
  {
    when: 'not every Service was listed',
    given: { ...looked([]), services: partly(cart(port('http', 8080))) },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every Service/,
    plane: modern,
  },
  {
    when: 'no sidecar is behind a Service',
    given: { ...looked([port('http', 80)]), population: populationOf() },
    status: 'skip',
    says: /no Service/,
  },
]);

judging(requestsAreCounted, [
  {
    when: 'they are, whatever is counted as connections beside',
    given: { ...looked([port('http', 8080)]), requests: answer(['destination', CART]) },
    status: 'pass',
    says: /^requests are counted for 1 Service: shop\/cart$/,
    plane: modern,
  },
  {
    when: 'only connections are, on a usual number that is called TCP',
    given: looked([port('tcp-9080', 9080)]),
    status: 'warn',
    reason: 'HttpTakenForTcp',
    says: /^only connections of TCP are counted for shop\/cart port 9080 \(tcp-9080\), TCP by its name tcp-9080: if HTTP is spoken/,
    plane: modern,
  },
  {
    when: 'the workload that was named has connections only, whatever its number',
    given: { ...looked([port('tcp-x', 7777)], web(null, 'cart:1', 7777)), narrowed: { named: 'cart' } as never },
    status: 'fail',
    reason: 'HttpTakenForTcp',
    says: /port 7777/,
    plane: modern,
    scope: named,
  },
  {
    when: 'nothing says HTTP of a whole mesh’s port: it is what it is called',
    given: looked([port('tcp-x', 7777)], web(null, 'cart:1', 7777)),
    status: 'pass',
    says: /only connections of TCP are counted, and no port says HTTP/,
    plane: modern,
  },
  {
    when: 'a port is called HTTP, and TLS comes',
    given: looked([port('http', 8080)]),
    status: 'warn',
    reason: 'TlsByApplication',
    says: /encrypted by who sends it/,
    plane: modern,
  },
  {
    // istio#4395: a port called grpc on 443, to which callers speak TLS.
    when: 'a port is called gRPC, and callers speak TLS to it',
    given: looked([port('grpc', 443, { targetPort: 8080 })]),
    status: 'warn',
    reason: 'TlsByApplication',
    says: /^only connections of TCP are counted for shop\/cart port 443 \(grpc\), GRPC by its name grpc/,
    plane: modern,
  },
  {
    // nats-io/k8s#360: the server speaks first, on a port whose name says nothing.
    when: 'a broker’s port is looked at in vain: no HTTP is missed of it',
    given: looked([port('client', 4222)], web('client', 'docker.io/library/nats:2', 4222)),
    status: 'skip',
    says: /no Service leads/,
    plane: modern,
  },
  {
    // istio#29045: tcp-8443, whose requests were missed.
    when: 'the workload that was named has TLS or HTTP on a port called TCP',
    given: looked([port('tcp-8443', 8443, { targetPort: 'tcp-8443' })], web('tcp-8443', 'cart:1', 8443)),
    status: 'fail',
    reason: 'HttpTakenForTcp',
    says: /tcp-8443/,
    plane: modern,
    scope: named,
  },
  {
    when: 'the workload that was named encrypts itself',
    given: looked([port('https', 8443)], web(null, 'cart:1', 8443)),
    status: 'fail',
    reason: 'TlsByApplication',
    says: /HTTPS by its name https/,
    plane: modern,
    scope: named,
  },
  {
    when: 'a whole mesh has a port of HTTPS: that is as it is called',
    given: looked([port('https', 8443)], web(null, 'cart:1', 8443)),
    status: 'pass',
    says: /no port says HTTP/,
    plane: modern,
  },
  {
    when: 'the proxies look at what is sent, and see no HTTP',
    given: looked([port(null, 8080)]),
    status: 'warn',
    reason: 'HttpNotRecognised',
    says: /see no HTTP/,
    plane: modern,
  },
  {
    when: 'another workload behind the Service has the requests',
    given: {
      ...looked([port('http', 8080)]),
      narrowed: { named: 'cart' } as never,
      requests: answer(['destination', CART, 'other']),
    },
    status: 'fail',
    reason: 'TlsByApplication',
    says: /shop\/cart/,
    plane: modern,
    scope: named,
  },
  {
    when: 'another port of the Service, of TCP by its name, may have the connections',
    given: looked([port('http', 8080), port('tcp-peers', 7800)]),
    status: 'pass',
    says: /only connections/,
    plane: modern,
  },
  {
    when: 'a port of a database may have the connections of one that is called TCP',
    given: looked([port('tcp-9080', 9080), port('mysql', 3306, { targetPort: 9080 })]),
    status: 'pass',
    says: /only connections/,
    plane: modern,
  },
  {
    when: 'the store has dropped the workload’s name',
    given: {
      ...looked([port('http', 8080)]),
      narrowed: { named: 'cart' } as never,
      requests: answer(['destination', CART, '']),
    },
    status: 'pass',
    says: /1 Service/,
    plane: modern,
    scope: named,
  },
  {
    when: 'an outer host begins with the Service’s name',
    given: {
      ...looked([port('http', 8080)]),
      requests: answer(['source', 'cart.shop.example.com']),
      connections: answer(),
    },
    status: 'unknown',
    reason: 'NoTraffic',
    says: /neither/,
    plane: modern,
  },
  {
    when: 'its name is blamed already',
    given: looked([port('tcp-http', 8080)]),
    status: 'pass',
    says: /only connections/,
    plane: modern,
  },
  {
    when: 'connections are counted by callers only: no sidecar behind it has seen one',
    given: { ...looked([port('tcp-web', 9080)]), connections: answer(['source', CART]) },
    status: 'unknown',
    reason: 'NoTraffic',
    says: /neither requests nor connections/,
    plane: modern,
  },
  {
    when: 'there is no traffic',
    given: { ...looked([port('http', 8080)]), connections: answer() },
    status: 'unknown',
    reason: 'NoTraffic',
    says: /^neither requests nor connections are stored for shop\/cart$/,
    plane: modern,
  },
  {
    when: 'the store does not answer',
    given: { ...looked([port('http', 8080)]), requests: { missing: missing('TimedOut') }, connections: answer() },
    status: 'unknown',
    reason: 'TimedOut',
    says: /which Services have requests/,
    plane: modern,
  },
  {
    when: 'only connections are counted, and what the store answers is not whole',
    given: { ...looked([port('http', 8080)]), requests: notWhole },
    status: 'unknown',
    reason: 'PartialAnswer',
    says: /^which Services have requests, in an answer that may not be whole: a store timed out$/,
    plane: modern,
  },
  {
    when: 'there is no store',
    given: { ...looked([port('http', 8080)]), requests: { got: [] }, connections: { got: [] } },
    status: 'skip',
    says: /no Prometheus/,
    plane: modern,
  },
  { when: 'no sidecar is behind a Service', given: { ...looked([]) }, status: 'skip', says: /no Service/ },
]);

describe('the cure of a port that is taken for TCP', () => {
  it('is a patch of that port alone', () => {
    const evidence = looked([port('tcp-http', 8080)]);
    const verdict = portsAreNamed.judge(evidence, { plane: { ...plane, ...modern }, scope, now: NOW });
    assert.equal(
      'hint' in verdict && verdict.hint,
      `kubectl -n shop patch service cart --type=strategic -p '{"spec":{"ports":[{"port":8080,"appProtocol":"http"}]}}'   # grpc where it is gRPC`,
    );
    assert.deepEqual(verdict.subjects, [{ kind: 'Deployment', namespace: 'shop', name: 'cart', pods: ['cart-5d4-x'] }]);
  });
});
