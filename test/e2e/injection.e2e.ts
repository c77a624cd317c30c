import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadAll } from 'js-yaml';
import { trim } from '../../src/cluster/bundle/trim.ts';
import type { Answer, KubernetesObject } from '../../src/cluster/question/cluster.ts';
import type { ListQuestion, ObjectQuestion } from '../../src/cluster/question/question.ts';
import type { Ask, Source } from '../../src/diagnosis/check.ts';
import { type Injection, injection, isInjectedOtherwise } from '../../src/evidence/istio/injection.ts';
import { proxyContainerOf } from '../../src/evidence/istio/proxies.ts';
import { type Pod, podOf } from '../../src/evidence/kubernetes/pod.ts';
import { type Captured, inboundKeptBy, outboundKeptBy } from '../../src/istio/capture.ts';
import { outcomeOf } from '../../src/istio/injection.ts';
import { type MadePod, NAMESPACES, podsOf } from '../support/injected.ts';
import { plane, scope } from '../support/judging.ts';
import { istiodObject, modernMesh } from '../support/modern.ts';
import type { RecordedObject } from '../support/recordings.ts';
import { istioModule } from './build.ts';
import { charts } from './charts.ts';
import { type Children, childrenIn, until } from './children.ts';
import { freePorts, kubectlAt, startCluster, type TestCluster } from './cluster.ts';
import { istioctl } from './istio.ts';
import { startIstiod } from './istiod.ts';
import { load } from './load.ts';
import { checksOf, report } from './user.ts';

/** `INJECTION_SEED=7 INJECTION_PODS=50 npm run e2e -- injection` tries others, and more in each namespace. */
const SEED = Number(process.env.INJECTION_SEED ?? 1);
const EACH = Number(process.env.INJECTION_PODS ?? 6);

const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const VERSION = '1.31.0';

/** How each control plane is installed, beside its revision. */
const REVISIONS = {
  default: {
    sidecarInjectorWebhook: {
      neverInjectSelector: [{ matchLabels: { app: 'job' } }],
      alwaysInjectSelector: [{ matchLabels: { app: 'web' } }],
    },
  },
  canary: {
    global: { proxy: { autoInject: 'disabled' } },
    sidecarInjectorWebhook: {
      alwaysInjectSelector: [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'job'] }] }],
    },
  },
};
type Revision = keyof typeof REVISIONS;
type Configuration = RecordedObject & { webhooks: readonly object[] };

describe(`Istio’s injection of pods, seed ${SEED}, by real istiods on a real API server`, () => {
  let cluster: TestCluster;
  let unload = (): Promise<void> => Promise.resolve();
  const istiods: Children[] = [];
  const urls = new Map<Revision, string>();
  const pods = podsOf(SEED, EACH);
  const compared = { pods: 0, injected: 0, called: 0 };

  const kubectl = (args: readonly string[], input?: string): string => kubectlAt(cluster.kubeconfig, args, input);

  /** What Istio’s charts make of a revision, of these kinds. */
  function rendered(revision: Revision, values: object, ...kinds: readonly string[]): readonly RecordedObject[] {
    const made = charts({
      profile: 'minimal',
      ...(revision !== 'default' && { revision }),
      values: { ...REVISIONS[revision], ...values },
    });
    return made.filter(({ kind }) => kinds.includes(kind));
  }

  /** The webhooks of a revision, called where its istiod listens: no Service has an address here. */
  const webhooksOf = (revision: Revision, values: object = {}): readonly Configuration[] =>
    (rendered(revision, values, 'MutatingWebhookConfiguration') as readonly Configuration[]).map((each) => ({
      ...each,
      webhooks: each.webhooks.map((webhook) => ({ ...webhook, clientConfig: { url: urls.get(revision) } })),
    }));

  async function start(revision: Revision): Promise<void> {
    // A port that was free may be another program's a moment later: then again, with others.
    for (let attempt = 1; ; attempt++) {
      const [http = 0, grpc = 0, secure = 0, https = 0, debug = 0] = await freePorts(5);
      urls.set(revision, `https://localhost:${https}/inject`);
      const folder = join(cluster.folder, `istiod-${revision}-${attempt}`);
      mkdirSync(folder);
      const children = childrenIn(folder);
      istiods.push(children);
      const ports = { http, grpc, secure, https, debug };
      try {
        const env = { REVISION: revision };
        return await startIstiod({ kubeconfig: cluster.kubeconfig, folder, children, ports, env });
      } catch (error) {
        istiods.pop();
        await children.end();
        if (attempt === 3) throw error;
      }
    }
  }

  /** Applies webhooks in the place of those that have their names. */
  async function replace(...webhooks: readonly RecordedObject[]): Promise<void> {
    for (const webhook of webhooks) {
      await cluster.api('DELETE', `${WEBHOOKS}/${webhook.metadata.name}`, undefined, [200, 404]);
      await cluster.api('POST', WEBHOOKS, webhook);
    }
  }

  before(async () => {
    cluster = await startCluster();
    unload = await load(cluster, modernMesh(istiodObject()));
    const made = NAMESPACES.map(({ name, labels }) => ({ metadata: { name, labels } }));
    for (const namespace of made) {
      await cluster.api('POST', '/api/v1/namespaces', namespace);
      const accounts = `/api/v1/namespaces/${namespace.metadata.name}/serviceaccounts`;
      await cluster.api('POST', accounts, { metadata: { name: 'default' } }, [201, 409]);
    }
    await cluster.api(
      'POST',
      '/api/v1/namespaces/kube-system/serviceaccounts',
      { metadata: { name: 'default' } },
      [201, 409],
    );
    kubectl(['create', '-f', join(istioModule(), 'manifests/charts/base/files/crd-all.gen.yaml')]);
    for (const revision of Object.keys(REVISIONS) as Revision[]) {
      const settings = rendered(revision, {}, 'ConfigMap').find(({ metadata }) =>
        metadata.name.startsWith('istio-sidecar-injector'),
      );
      await cluster.api('POST', '/api/v1/namespaces/istio-system/configmaps', settings);
      await start(revision);
      await replace(...webhooksOf(revision));
    }
    await trusted();
    const tag = loadAll(istioctl(cluster.kubeconfig, 'tag', 'generate', 'prod', '--revision', 'canary'));
    await replace(...(tag as RecordedObject[]).filter(({ kind }) => kind === 'MutatingWebhookConfiguration'));
    await trusted();
  });
  after(async () => {
    try {
      for (const each of istiods) await each.end();
      await unload();
    } finally {
      await cluster?.close();
    }
  });

  /** Until every istiod has written its certificate into its webhooks, and the API server calls them. */
  async function trusted(): Promise<void> {
    type Listed = { items: { webhooks?: { name: string; clientConfig: { caBundle?: string } }[] }[] };
    await until(
      async () => {
        const { items } = JSON.parse((await cluster.api('GET', WEBHOOKS)).body) as Listed;
        return items.every(({ webhooks }) => webhooks?.every(({ clientConfig }) => clientConfig.caBundle));
      },
      30,
      () => `an istiod writes no certificate: ${istiods.map((each) => each.words('pilot-discovery')).join('\n')}`,
    );
    // The API server looks at its webhooks’ configurations a moment after they are written.
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }

  /** The model's evidence, by the product's own source: asked of the API server's objects. */
  async function gathered(): Promise<Injection> {
    const kinds = 'pods,namespaces,deployments,mutatingwebhookconfigurations,validatingwebhookconfigurations';
    const { items } = JSON.parse(kubectl(['get', kinds, '-A', '-o', 'json'])) as { items: KubernetesObject[] };
    const known = new Map<Source<unknown>, Promise<unknown>>();
    const answer = (body: object): Answer => ({
      status: 200,
      contentType: 'application/json',
      body: (async function* () {
        yield Buffer.from(JSON.stringify(body));
      })(),
    });
    const ask: Ask = {
      cluster: {
        list: ({ resource }: ListQuestion) =>
          Promise.resolve(items.filter(({ kind = '' }) => `${kind.toLowerCase()}s` === resource.plural)),
        read: ({ name, namespace }: ObjectQuestion) =>
          Promise.resolve(
            answer(trim('configmaps', JSON.parse(kubectl(['-n', namespace, 'get', 'configmap', name, '-o', 'json'])))),
          ),
      } as unknown as Ask['cluster'],
      scope,
      plane: { ...plane, generation: 'telemetry-v2', revision: 'default', version: VERSION },
      whose: 'asked',
      now: Date.now(),
      limited: () => undefined,
      sleep: () => Promise.resolve(),
      from: <T>(source: Source<T>): Promise<T> => {
        const told = known.get(source) ?? source.gather(ask);
        known.set(source, told);
        return told as Promise<T>;
      },
    };
    return ask.from(injection);
  }

  /** The revision whose injector has made each pod's proxy; null for a pod that is as it was. */
  function created(): readonly (string | null)[] {
    interface Created {
      metadata: { annotations?: Record<string, string> };
      spec: { containers: { name: string }[]; initContainers?: { name: string }[] };
    }
    const text = kubectl(
      ['apply', '--dry-run=server', '-o', 'json', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods }),
    );
    return (JSON.parse(text) as { items: Created[] }).items.map(({ metadata, spec }) => {
      const isInjected = [...spec.containers, ...(spec.initContainers ?? [])].some(
        ({ name }) => name === 'istio-proxy',
      );
      if (!isInjected) return null;
      return (JSON.parse(metadata.annotations?.['sidecar.istio.io/status'] ?? '{}') as { revision: string }).revision;
    });
  }

  async function compare(): Promise<void> {
    const theirs = created();
    const { webhooks, namespaces } = await gathered();
    assert.equal(theirs.length, pods.length);
    const wrong = pods.flatMap((made: MadePod, at) => {
      const labels = namespaces.get(made.metadata.namespace) ?? {};
      const pod = podOf({ ...made, status: {} });
      const { called, refusal } = outcomeOf(pod, labels, webhooks, VERSION);
      const ours = called.length > 0 && refusal === null ? (called.at(-1)?.revision ?? 'default') : null;
      compared.pods++;
      if (called.length > 0) compared.called++;
      if (theirs[at] !== null) compared.injected++;
      if (ours === theirs[at]) return [];
      const { annotations } = made.metadata;
      return [
        `${JSON.stringify({ namespace: labels, labels: pod.labels, annotations, hostNetwork: pod.hostNetwork })}: Istio ${theirs[at]}, we ${ours} (${refusal})`,
      ];
    });
    assert.deepEqual(wrong, []);
  }

  it('with two revisions and a tag', compare);

  it('with enableNamespacesByDefault', async () => {
    const { sidecarInjectorWebhook } = REVISIONS.default;
    const values = { sidecarInjectorWebhook: { ...sidecarInjectorWebhook, enableNamespacesByDefault: true } };
    await replace(...webhooksOf('default', values));
    await trusted();
    await compare();
  });

  it('with the one webhook of releases before 1.10, which looks at namespaces', async () => {
    const selectors = { namespaceSelector: { matchLabels: { 'istio-injection': 'enabled' } }, objectSelector: {} };
    const old = (webhook: object = {}): object => ({ ...webhook, ...selectors, name: 'sidecar-injector.istio.io' });
    await replace(...webhooksOf('default').map((each) => ({ ...each, webhooks: [old(each.webhooks[0])] })));
    await trusted();
    await compare();
  });

  it('compared pods that are taken, declined and left alone', () => {
    process.stdout.write(`# ${JSON.stringify(compared)}\n`);
    assert.ok(compared.injected > 50 && compared.injected < compared.called && compared.called < compared.pods);
  });

  /** What the injector makes of a pod with these annotations, as it is read. */
  function made(annotations: Record<string, string>): Pod {
    const { name } = NAMESPACES.find(({ labels }) => labels['istio-injection'] === 'enabled') ?? assert.fail();
    const pod = { metadata: { name: 'made', namespace: name, annotations }, spec: pods[0]?.spec };
    const text = kubectl(
      ['apply', '--dry-run=server', '-o', 'json', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...pod }),
    );
    return podOf(trim('pods', JSON.parse(text)));
  }

  it('what goes past a sidecar is read from what the injector wrote', () => {
    const traffic = (said: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(said).map(([name, value]) => [`traffic.sidecar.istio.io/${name}`, value]));
    for (const [annotations, inbound, outbound] of [
      [{}, null, null],
      [traffic({ excludeInboundPorts: '8080' }), 'excludeInboundPorts', null],
      [traffic({ excludeInboundPorts: '9090' }), null, null],
      [traffic({ includeInboundPorts: '' }), 'includeInboundPorts', null],
      [traffic({ includeInboundPorts: '9090' }), 'includeInboundPorts', null],
      [traffic({ includeInboundPorts: '8080', excludeInboundPorts: '8080' }), null, null],
      [traffic({ excludeOutboundIPRanges: '0.0.0.0/0' }), null, 'excludeOutboundIPRanges'],
      [traffic({ includeOutboundIPRanges: '' }), null, 'includeOutboundIPRanges'],
      [traffic({ includeOutboundIPRanges: '', includeOutboundPorts: '80' }), null, null],
      [traffic({ excludeInterfaces: 'eth0' }), 'excludeInterfaces', 'excludeInterfaces'],
      [{ 'sidecar.istio.io/interceptionMode': 'NONE' }, 'interceptionMode', 'interceptionMode'],
    ] as const) {
      const pod = made(annotations);
      const interception = proxyContainerOf(pod)?.variables.ISTIO_META_INTERCEPTION_MODE;
      assert.ok(interception, JSON.stringify(pod));
      const kept = (captured: Captured): readonly (string | undefined)[] =>
        [inboundKeptBy(captured, 8080), outboundKeptBy(captured)].map((each) => each?.words.match(/\/(\w+):/)?.[1]);
      const said = [inbound ?? undefined, outbound ?? undefined];
      assert.deepEqual(kept({ ...pod, interception }), said, JSON.stringify(annotations));
      if (interception === 'NONE') continue;
      // The init container's arguments say it all, but for the interfaces.
      if ('traffic.sidecar.istio.io/excludeInterfaces' in annotations) continue;
      const silent = { ...pod, annotations: {}, interception };
      assert.deepEqual(
        [inboundKeptBy(silent, 8080), outboundKeptBy(silent)].map((each) => each?.by),
        said.map((each) => (each === undefined ? undefined : 'values')),
        JSON.stringify([annotations, pod.redirection]),
      );
    }
  });

  it('templates without an Envoy are known', () => {
    const agent = made({ 'inject.istio.io/templates': 'grpc-agent' });
    assert.equal(proxyContainerOf(agent)?.variables.DISABLE_ENVOY, 'true');
    const simple = made({ 'inject.istio.io/templates': 'grpc-simple' });
    assert.deepEqual([proxyContainerOf(simple), isInjectedOtherwise(simple)], [undefined, true]);
  });

  it('pods that ask in vain are named', async () => {
    const pod = { metadata: { name: 'asks', annotations: { 'sidecar.istio.io/inject': 'true' } }, spec: pods[0]?.spec };
    await cluster.api('POST', '/api/v1/namespaces/inject-0/pods', pod);
    const { report: seen, code, stdout } = await report(cluster.kubeconfig, ['webhook-certs']);
    assert.equal(checksOf(seen).get('asking-pods-taken')?.reason, 'AnnotationOnly', stdout);
    assert.equal(code, 1);
  });
});
