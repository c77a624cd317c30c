import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ReportList } from '../../src/report/list.ts';
import { listening } from '../support/loopback.ts';
import { PRODUCTPAGE, podObject, productpageObject } from '../support/modern.ts';
import type { RecordedObject } from '../support/recordings.ts';
import { until } from './children.ts';
import { hold, type RunningEnvoy, say, startEnvoy } from './envoy.ts';
import { applied, type Istio, startIstio } from './istio.ts';
import { writeLog } from './load.ts';
import { checksOf, plugin, report } from './user.ts';

const FRONT = 'front-1';
const TAKING = 'front-2';

/** nginx in the mesh, with its proxy; what it is told lies in a ConfigMap. */
const front = (): RecordedObject => {
  const pod = productpageObject(
    {
      labels: { app: 'front', version: 'v1' },
      containers: [
        { name: 'nginx', image: 'docker.io/library/nginx:1.25.3' },
        {
          name: 'istio-proxy',
          image: 'docker.io/istio/proxyv2:1.31.0',
          args: ['proxy', 'sidecar'],
          resources: { limits: { cpu: '2' } },
        },
      ],
      ip: '10.244.0.7',
    },
    FRONT,
  );
  return { ...pod, spec: { ...pod.spec, volumes: [{ name: 'conf', configMap: { name: 'front' } }] } };
};

const nginx = (version: string): RecordedObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'front', namespace: 'bookinfo' },
  data: {
    'nginx.conf': `events {}\nhttp {\n  ${version}\n  server { location / { proxy_pass http://productpage:9080; } }\n}\n`,
  },
});

/** One that asks for HTTP/1.0, and whose Envoy takes it. */
const taker = (): RecordedObject =>
  productpageObject(
    {
      labels: { app: 'front', version: 'v2' },
      annotations: { 'proxy.istio.io/config': 'proxyMetadata:\n  ISTIO_META_HTTP10: "1"' },
      ip: '10.244.0.8',
    },
    TAKING,
  );

describe('what a real Envoy says of itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'envoys-'));
  let istio: Istio;
  let refusing: RunningEnvoy;
  let taking: RunningEnvoy;
  before(async () => {
    refusing = await startEnvoy(folder, 'refusing', { descriptors: 300, logLevel: 'debug' });
    taking = await startEnvoy(folder, 'taking', { http10: true });
    istio = await startIstio({
      objects: [front(), taker(), nginx('')],
      forwards: new Map([
        [`bookinfo/${FRONT}:15000`, refusing.ports.admin],
        [`bookinfo/${TAKING}:15000`, taking.ports.admin],
      ]),
      execs: [`bookinfo/${FRONT}`],
      logs: new Map([FRONT, TAKING].map((pod) => [`bookinfo/${pod}/istio-proxy`, 'Envoy proxy is ready'])),
    });
    await istio.synced((syncz) => syncz.includes(PRODUCTPAGE));
  });
  after(async () => {
    await refusing?.close();
    await taking?.close();
    await istio?.close();
    rmSync(folder, { recursive: true });
  });

  const seen = (...args: string[]) => report(istio.cluster.kubeconfig, args);
  const logOf = (pod: string, text: string): void => void writeLog(istio.cluster, `bookinfo/${pod}/istio-proxy`, text);

  it('http10: a request in HTTP/1.0 is refused, its log says so, and nginx is named', async () => {
    assert.match(await say(refusing.ports.http, 'GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 426 /);
    await say(refusing.ports.http, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    for (let attempt = 0; attempt < 50 && refusing.access().split('\n').length < 3; attempt++)
      await new Promise((resolve) => setTimeout(resolve, 200));
    logOf(FRONT, refusing.access());
    const { report: found, code, stdout } = await seen('http10');
    assert.deepEqual([code, found.lostAt?.reason], [1, 'UpgradeRequired'], stdout);
    const checks = checksOf(found);
    assert.match(
      checks.get('http10-not-refused')?.message ?? '',
      /^1 request in HTTP\/1\.0 refused with 426 by bookinfo\/front-1$/,
    );
    assert.equal(checks.get('nginx-speaks-http11')?.reason, 'NginxSpeaksOldHttp');
    assert.match(
      checks.get('nginx-speaks-http11')?.message ?? '',
      /bookinfo\/front-1 proxies with HTTP\/1\.0 to http:\/\/productpage:9080$/,
    );
  });

  it('http10: an nginx that is told, and a quiet log: healthy', async () => {
    istio.apply(nginx('proxy_http_version 1.1;'));
    logOf(FRONT, '[2026-11-25T06:00:00.000Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 16 0 - "-" "-"');
    const { report: found, code, stdout } = await seen('http10');
    assert.deepEqual([code, found.verdict], [0, 'healthy'], stdout);
    assert.equal(checksOf(found).get('nginx-speaks-http11')?.status, 'pass');
  });

  it('http10: an Envoy that is told to takes it, and one that was told and does not', async () => {
    assert.match(await say(taking.ports.http, 'GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.[01] 200 /);
    const { report: found } = await seen('http10', '--from', `bookinfo/${TAKING}`);
    assert.match(checksOf(found).get('http10-switch-works')?.message ?? '', /^on, and 1 proxy asked take it$/);
    await istio.cluster.api('PATCH', `/api/v1/namespaces/bookinfo/pods/${FRONT}`, {
      metadata: { annotations: { 'proxy.istio.io/config': '{"proxyMetadata":{"ISTIO_META_HTTP10":"1"}}' } },
    });
    const { report: deaf } = await seen('http10', '--from', `bookinfo/${FRONT}`);
    assert.equal(checksOf(deaf).get('http10-switch-works')?.reason, 'SwitchWithoutEffect');
  });

  it('envoy-crash: few descriptors, many of them used; looked into in the container', async () => {
    const { report: few } = await seen('envoy-crash', '--from', `bookinfo/${FRONT}`);
    assert.equal(checksOf(few).get('descriptors-suffice')?.reason, 'LimitLow');
    assert.match(checksOf(few).get('descriptors-suffice')?.message ?? '', /bookinfo\/front-1 has \d+ of 300 open/);
    const held = await hold(refusing.ports.http, 240);
    try {
      const { report: found, code } = await seen('envoy-crash', '--from', `bookinfo/${FRONT}`);
      assert.deepEqual([code, found.lostAt?.reason], [1, 'DescriptorsNearlyGone']);
    } finally {
      for (const socket of held) socket.destroy();
    }
  });

  it('all: two logins, however many containers are looked into', async () => {
    const [login, logins, kubeconfig] = ['login', 'logins', 'kubeconfig'].map((name) => join(folder, name));
    const config = JSON.parse(readFileSync(istio.cluster.kubeconfig, 'utf8')) as { users: [{ user: object }] };
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: config.users[0].user,
    };
    writeFileSync(`${login}`, `#!/bin/sh\necho login >>'${logins}'\nsleep 1\necho '${JSON.stringify(credential)}'\n`);
    chmodSync(`${login}`, 0o755);
    config.users[0].user = {
      exec: { apiVersion: credential.apiVersion, command: login, interactiveMode: 'Never' },
    };
    writeFileSync(`${kubeconfig}`, JSON.stringify(config));
    const { stderr, stdout } = await plugin(`${kubeconfig}`, ['all', '-v', '-o', 'json']);
    assert.ok((stderr.match(/kubectl -n bookinfo exec /g) ?? []).length >= 3, stderr);
    const { items } = JSON.parse(stdout) as ReportList;
    const crash = items.find(({ topic }) => topic === 'envoy-crash');
    assert.match(JSON.stringify(crash), /bookinfo\/front-1 has \d+ of 300 open/);
    assert.deepEqual(readFileSync(`${logins}`, 'utf8').trim().split('\n'), ['login', 'login']);
  });

  it('envoy-crash: descriptors that ran out, by the words of a real Envoy', async () => {
    const mute = createServer((socket) => void socket.on('error', () => undefined).resume());
    const port = await listening(mute);
    const full = await startEnvoy(folder, 'full', { descriptors: 150, upstream: port });
    const held = await hold(full.ports.http, 100, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    try {
      await until(
        async () => full.log().includes('Too many open files'),
        20,
        () => full.log(),
      );
      logOf(FRONT, full.log());
      const { report: found, code } = await seen('envoy-crash', '--from', `bookinfo/${FRONT}`);
      assert.deepEqual([code, checksOf(found).get('envoy-did-not-crash')?.reason], [1, 'DescriptorsExhausted']);
    } finally {
      for (const socket of held) socket.destroy();
      await full.close();
      await new Promise((resolve) => mute.close(resolve));
    }
  });

  it('envoy-crash: a crash of another cause, by the words of a real Envoy', async () => {
    const crashing = await startEnvoy(folder, 'crashing');
    try {
      crashing.kill('SIGSEGV');
      await until(
        async () => /Caught Segmentation fault/.test(crashing.log()),
        20,
        () => crashing.log(),
      );
      logOf(FRONT, crashing.log());
      const { report: found, code } = await seen('envoy-crash', '--from', `bookinfo/${FRONT}`);
      assert.deepEqual([code, checksOf(found).get('envoy-did-not-crash')?.reason], [1, 'EnvoyCrashed']);
    } finally {
      await crashing.close();
    }
    logOf(FRONT, 'Envoy proxy is ready');
  });

  it('envoy-crash: a container that was killed for memory', async () => {
    const path = `/api/v1/namespaces/bookinfo/pods/${TAKING}`;
    const { body } = await istio.cluster.api('GET', path);
    const { status } = JSON.parse(body) as { status: { containerStatuses: { name: string }[] } };
    const terminated = {
      exitCode: 137,
      reason: 'OOMKilled',
      startedAt: null,
      finishedAt: new Date().toISOString().replace(/\..*/, 'Z'),
    };
    const killed = status.containerStatuses.map((each) =>
      each.name === 'istio-proxy' ? { ...each, restartCount: 3, lastState: { terminated } } : each,
    );
    await istio.cluster.api('PATCH', `${path}/status`, { status: { containerStatuses: killed } });
    const { report: found, code } = await seen('envoy-crash', '-n', 'bookinfo', '--from', `bookinfo/${TAKING}`);
    assert.deepEqual([code, checksOf(found).get('envoy-did-not-crash')?.reason], [1, 'MemoryKilled']);
    await istio.cluster.api('PATCH', `${path}/status`, { status });
  });

  it('envoy-cpu: a log at debug, and a metrics API that tells of too much', async () => {
    const { report: loud, code } = await seen('envoy-cpu');
    assert.equal(code, 0);
    assert.equal(checksOf(loud).get('settings-are-cheap')?.reason, 'LogsLoud');
    assert.match(checksOf(loud).get('settings-are-cheap')?.message ?? '', /^bookinfo\/front-1 logs at debug$/);
    assert.equal(checksOf(loud).get('envoy-cpu-fits-load')?.status, 'skip');
    istio.apply({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: {
        name: 'pods.metrics.k8s.io',
        annotations: { 'api-approved.kubernetes.io': 'unapproved, the kind of the metrics server' },
      },
      spec: {
        group: 'metrics.k8s.io',
        scope: 'Namespaced',
        names: { plural: 'pods', singular: 'podmetrics', kind: 'PodMetrics' },
        versions: [
          {
            name: 'v1beta1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
    const metrics = (name: string, cpu: string) => ({
      apiVersion: 'metrics.k8s.io/v1beta1',
      kind: 'PodMetrics',
      metadata: { name, namespace: 'bookinfo' },
      containers: [{ name: 'istio-proxy', usage: { cpu, memory: '1Mi' } }],
    });
    await applied(istio, metrics(PRODUCTPAGE, '12345678n'), metrics(FRONT, '900m'), metrics(TAKING, '1m'));
    const { report: found } = await seen('envoy-cpu');
    const usage = checksOf(found).get('envoy-cpu-fits-load');
    assert.equal(usage?.reason, 'UsageUnexplained');
    assert.match(usage?.message ?? '', /^bookinfo\/front-1 900m$/);
    istio.apply(metrics(FRONT, '1900m'));
    const { report: throttled, code: last } = await seen('envoy-cpu');
    const held = checksOf(throttled).get('envoy-cpu-fits-load');
    assert.deepEqual([last, held?.reason], [1, 'Throttled']);
    assert.match(held?.message ?? '', /^bookinfo\/front-1 1\.90 cores of at most 2\.00 cores$/);
  });

  it('headless-tcp: a headless service, its listeners, and a rule that ends its connections', async () => {
    const { report: none } = await seen('headless-tcp');
    assert.deepEqual(
      [none.verdict, checksOf(none).get('headless-ports-are-named')?.status],
      ['not-applicable', 'skip'],
    );
    istio.apply(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'mongo', namespace: 'bookinfo' },
        spec: {
          clusterIP: 'None',
          selector: { app: 'productpage' },
          ports: [
            { name: 'tcp-mongo', port: 27017 },
            { port: 5672, name: 'amqp' },
          ],
        },
      },
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'DestinationRule',
        metadata: { name: 'mongo', namespace: 'bookinfo' },
        spec: { host: 'mongo', trafficPolicy: { connectionPool: { tcp: { idleTimeout: '90s' } } } },
      },
    );
    const { report: found, code } = await seen('headless-tcp', '--from', PRODUCTPAGE);
    const checks = checksOf(found);
    assert.equal(code, 0);
    assert.equal(checks.get('headless-ports-are-named')?.reason, 'ProtocolDetected');
    assert.match(
      checks.get('timeouts-outlast-connections')?.message ?? '',
      /^DestinationRule bookinfo\/mongo: idleTimeout 90 seconds$/,
    );
    assert.equal(checks.get('certificates-outlive-connections')?.status, 'pass');
    assert.match(checks.get('proxies-stay-up')?.message ?? '', /^none of 1 proxy/);
    assert.equal(checks.get('listeners-keep-still')?.status, 'pass');
  });

  it('headless-tcp: listeners that come and go between two readings', async () => {
    const words = ['--window', '4s', '--from', PRODUCTPAGE];
    const going = Promise.all([seen('headless-tcp', ...words), seen('envoy-cpu', ...words)]);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    istio.remove('service', 'mongo', 'bookinfo');
    istio.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'mongo', namespace: 'bookinfo' },
      spec: { clusterIP: 'None', selector: { app: 'productpage' }, ports: [{ name: 'tcp-mongo', port: 27018 }] },
    });
    const [{ report: found }, { report: busy }] = await going;
    assert.equal(checksOf(found).get('listeners-keep-still')?.reason, 'ListenersChanged');
    assert.equal(checksOf(busy).get('updates-are-rare')?.reason, 'UpdatesOften');
  });

  it('headless-tcp: a ztunnel that starts again and again', async () => {
    const pod = podObject('ztunnel-1', {
      namespace: 'istio-system',
      labels: { app: 'ztunnel' },
      containers: [{ name: 'istio-proxy', image: 'docker.io/istio/ztunnel:1.31.0' }],
      ip: '10.244.0.20',
    });
    const { status, spec, ...rest } = pod;
    const path = '/api/v1/namespaces/istio-system/pods';
    await istio.cluster.api('POST', path, { ...rest, spec: { ...spec, automountServiceAccountToken: false } });
    const { containerStatuses = [] } = (status ?? {}) as { containerStatuses?: object[] };
    const again = containerStatuses.map((each) => ({ ...each, restartCount: 5 }));
    await istio.cluster.api('PATCH', `${path}/ztunnel-1/status`, { status: { ...status, containerStatuses: again } });
    const { report: found } = await seen('headless-tcp', '--from', PRODUCTPAGE);
    const check = checksOf(found).get('ztunnel-stays-up');
    assert.equal(check?.reason, 'ZtunnelRestarted');
    assert.match(check?.message ?? '', /^ztunnel-1 on node-1 \(5 restarts\)$/);
    await istio.cluster.api('DELETE', `${path}/ztunnel-1`, { gracePeriodSeconds: 0 }, [200, 202]);
  });

  it('envoy-cpu: more than a thousand clusters, and nothing that limits them', async () => {
    const { api } = istio.cluster;
    const service = (at: number) => ({
      metadata: { name: `many-${at}` },
      spec: { selector: { app: 'nobody' }, ports: [{ name: 'http', port: 8000 }] },
    });
    for (let from = 0; from < 1000; from += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, at) => api('POST', '/api/v1/namespaces/bookinfo/services', service(from + at))),
      );
    const scoped = async () =>
      checksOf((await seen('envoy-cpu', '--from', PRODUCTPAGE)).report).get('configuration-is-scoped');
    let check = await scoped();
    for (let attempt = 0; attempt < 40 && check?.reason !== 'ConfigurationLarge'; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      check = await scoped();
    }
    assert.equal(check?.reason, 'ConfigurationLarge', check?.message);
    assert.match(check?.message ?? '', /10\d\d clusters, and no Sidecar object limits it$/);
  });

  it('who may not run, read or forward is told so, and gets no green', async () => {
    for (const topic of ['http10', 'envoy-crash']) {
      const { report: found, code } = await report(istio.cluster.kubeconfigOfUser, [topic]);
      assert.deepEqual([code, found.verdict], [3, 'inconclusive'], topic);
    }
  });

  it('a pod that is not there, and one without a proxy, are one clear line each', async () => {
    const { report: found, code } = await seen('route-rules', '--from', 'nobody');
    assert.deepEqual([code, found.verdict], [2, 'error']);
    assert.match(JSON.stringify(found), /there is no pod nobody/);
  });
});
