import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { it } from './support/programs.ts';
import type { RecordedObject } from './support/recordings.ts';
import { checkOf, reported } from './support/run.ts';
import { assertSchema } from './support/schema.ts';
import type { Fault } from './support/stand-in.ts';
import { withStandIn } from './support/standing.ts';

const HEALTHY = 'istio-1.0.6/healthy';
const MIXER = 'istio-system/istio-telemetry-gb257cd5hf-43880';

const faulty = (match: RegExp, fault: Fault, argv: readonly string[] = ['missing-metrics'], name = HEALTHY) =>
  withStandIn(
    name,
    async (_, env) => {
      const result = await reported([...argv, '--request-timeout', fault === 'stall' ? '2s' : '10s'], { env });
      assertSchema(result.report);
      return result;
    },
    { faults: [{ match, fault }] },
  );

describe('a user with few rights', () => {
  const lists: readonly [string, RegExp, string][] = [
    ['pods', /^GET \/api\/v1\/pods/, 'pods'],
    ['services', /^GET \/api\/v1\/services/, 'services'],
    ['namespaces', /^GET \/api\/v1\/namespaces\?/, 'namespaces'],
    ['deployments', /^GET \/apis\/apps\/v1\/deployments/, 'deployments'],
    ['rules', /^GET .*\/v1alpha2\/(.*\/)?rules/, 'rules.config.istio.io'],
    ['prometheuses', /^GET .*\/v1alpha2\/(.*\/)?prometheuses/, 'prometheuses.config.istio.io'],
    ['metrics', /^GET .*\/v1alpha2\/(.*\/)?metrics/, 'metrics.config.istio.io'],
    ['attributemanifests', /^GET .*\/v1alpha2\/(.*\/)?attributemanifests/, 'attributemanifests.config.istio.io'],
    ['configmaps', /^GET .*\/configmaps/, 'configmaps'],
    ['logs', /^GET .*\/log\?/, 'pods/log'],
    ['port-forwards', /^UPGRADE|\/proxy\//, 'pods/portforward'],
  ];
  for (const [what, match, resource] of lists) {
    it(`without the right to ${what} is told so, gets the rest, and no green`, async () => {
      const { report, code } = await faulty(match, 'forbid');
      assert.equal(report.verdict, 'inconclusive');
      assert.equal(code, 3);
      assert.ok(
        report.unchecked.some((each) => each.resource === resource && each.reason === 'Forbidden'),
        JSON.stringify(report.unchecked),
      );
      assert.ok(report.steps.some(({ status }) => status === 'pass'));
      assert.ok(!report.steps.some(({ status }) => status === 'fail'), JSON.stringify(report.losses));
    });
  }

  it('without any right gets exit 3, and is not told that there is no Istio', async () => {
    const { report, code } = await faulty(/^(GET (?!\/version)|UPGRADE)/, 'forbid');
    assert.deepEqual([code, report.verdict, report.mesh.found], [3, 'inconclusive', false]);
    assert.ok(
      report.unchecked.some(({ triedInstead }) => triedInstead.includes('list pods in namespace istio-system')),
    );
  });

  it('in the control plane’s namespace only gets what can be seen there', async () => {
    const { report } = await faulty(
      /^GET \/(api\/v1\/(pods|services|namespaces)|apis\/[^/]+\/[^/]+\/(deployments|rules|prometheuses|handlers|metrics|instances|attributemanifests))\?/,
      'forbid',
    );
    assert.equal(report.verdict, 'inconclusive');
    assert.deepEqual(
      report.mesh.controlPlanes.map(({ version }) => version),
      ['1.0.6'],
    );
    assert.ok(report.steps.find(({ id }) => id === 'prometheus-handler')?.status === 'pass');
  });

  for (const words of [
    'dial tcp 172.18.0.2:10250: connect: connection refused',
    'dial tcp 127.0.0.1:8131: connect: connection refused',
    'dial tcp: lookup node-1 on 10.96.0.10:53: no such host',
    'proxy error from 127.0.0.1:9443 while dialing 10.1.0.15:42422, code 502: 502 Bad Gateway: connection refused',
  ]) {
    it(`who may only ask through the API server is told no fault of a pod’s: ${words.slice(0, 60)}`, async () => {
      await withStandIn(
        'istio-1.0.6/healthy',
        async (_, env) => {
          const { report, code } = await reported(['missing-metrics'], { env });
          assert.deepEqual([report.verdict, code], ['inconclusive', 3], JSON.stringify(report.losses));
          const listens = checkOf(report, 'adapter-listens');
          assert.deepEqual([listens?.status, listens?.reason], ['unknown', 'Forbidden']);
          assert.ok(report.unchecked.some(({ triedInstead }) => triedInstead.some((each) => each.includes(words))));
        },
        { proxySays: words, faults: [{ match: /^UPGRADE/, fault: 'forbid' }] },
      );
    });
  }

  it('who meets a broken mesh is still told what is broken', async () => {
    const { report, code } = await faulty(
      /^UPGRADE|\/proxy\//,
      'forbid',
      ['missing-metrics'],
      'istio-1.0.6/handler-missing',
    );
    assert.deepEqual([code, report.lostAt?.reason], [1, 'HandlerMissing']);
  });

  it('with a login that is refused gets exit 5', async () => {
    const { report, code, stderr } = await faulty(/^GET/, 'unauthorized');
    assert.deepEqual([code, report.verdict], [5, 'unreachable']);
    assert.match(stderr, /^error: the cluster could not be reached .*Unauthorized\n$/);
  });
});

describe('a page that is none', () => {
  const status = async (match: RegExp, fault: Fault, id: string) => {
    const { report } = await faulty(match, fault);
    const check = checkOf(report, id);
    return [report.verdict, check?.status, check?.reason];
  };
  it('(HTML from Mixer) is unknown', async () => {
    assert.deepEqual(await status(/^PAGE .*:9093\/metrics/, 'html', 'reports-received'), [
      'inconclusive',
      'unknown',
      'BadAnswer',
    ]);
  });
  it('(cut off) is unknown', async () => {
    assert.deepEqual(await status(/^PAGE .*:9093\/metrics/, 'cut', 'reports-received'), [
      'inconclusive',
      'unknown',
      'BadAnswer',
    ]);
  });
  it('(stalled) is unknown, and called a timeout', async () => {
    assert.deepEqual(await status(/^PAGE .*:42422\/metrics/, 'stall', 'adapter-listens'), [
      'inconclusive',
      'unknown',
      'TimedOut',
    ]);
  });
  for (const [refusing, other, id] of [
    ['9093', 'adapter-listens', 'reports-received'],
    ['42422', 'reports-received', 'adapter-listens'],
  ] as const) {
    it(`(${refusing} refuses) costs the other page of the pod nothing`, async () => {
      const { report } = await withStandIn(HEALTHY, (_, env) => reported(['missing-metrics'], { env }), {
        change: ({ pages }) => void pages.delete(`${MIXER}:${refusing}/metrics`),
      });
      const checks = report.steps.flatMap((step) => step.checks);
      assert.equal(checks.find((check) => check.id === other)?.status, 'pass');
      assert.notEqual(checks.find((check) => check.id === id)?.status, 'pass');
    });
  }
  it('(a Prometheus behind a login) is unknown', async () => {
    assert.deepEqual(await status(/^PAGE .*:9090\//, 'html', 'series-stored'), [
      'inconclusive',
      'unknown',
      'BadAnswer',
    ]);
  });
});

type Change = Parameters<typeof withStandIn>[2];
const changed = (
  name: string,
  change: (objects: RecordedObject[]) => void,
  more: Change = {},
  argv: readonly string[] = ['missing-metrics'],
) =>
  withStandIn(name, (_, env) => reported(argv, { env }), {
    ...more,
    change: (recording) => {
      change(recording.objects);
      more.change?.(recording);
    },
  });

const remove = (objects: RecordedObject[], keep: (object: RecordedObject) => boolean): void => {
  objects.splice(0, objects.length, ...objects.filter(keep));
};

describe('a mesh that is another', () => {
  it('(none) is not applicable, exit 4, when every search ran', async () => {
    const { report, code } = await changed(HEALTHY, (objects) =>
      remove(objects, ({ metadata, kind }) => kind === 'Namespace' || metadata.namespace === 'nobody'),
    );
    assert.deepEqual([code, report.verdict, report.mesh.found], [4, 'not-applicable', false]);
  });

  const podOf = (
    name: string,
    namespace: string,
    labels: Record<string, string>,
    image: string,
    container: string,
  ): RecordedObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { containers: [{ name: container, image }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const only =
    (...pods: readonly RecordedObject[]) =>
    (objects: RecordedObject[]): void =>
      objects.splice(0, objects.length, ...pods) as unknown as undefined;

  it('(telemetry v2) is recognised, and not called healthy where no pod is in it', async () => {
    const { report, code } = await changed(
      HEALTHY,
      only(podOf('istiod-1', 'mesh', { app: 'istiod', 'istio.io/rev': 'canary' }, 'istio/pilot:1.20.1', 'discovery')),
    );
    assert.deepEqual(
      [code, report.verdict, report.mesh.controlPlanes],
      [4, 'not-applicable', [{ generation: 'telemetry-v2', namespace: 'mesh', revision: 'canary', version: '1.20.1' }]],
    );
    assert.ok(report.steps.length > 0 && report.steps.every(({ status }) => status === 'skip'));
  });
  it('(ambient) is recognised beside its istiod, and not called healthy where no pod is in it', async () => {
    const { report, code } = await changed(
      HEALTHY,
      only(
        podOf('istiod-1', 'istio-system', { app: 'istiod' }, 'istio/pilot:1.24.0', 'discovery'),
        podOf('ztunnel-1', 'istio-system', { app: 'ztunnel' }, 'istio/ztunnel:1.24.0', 'istio-proxy'),
      ),
    );
    assert.deepEqual(report.mesh.generations, ['telemetry-v2', 'ambient']);
    assert.deepEqual([code, report.verdict], [4, 'not-applicable']);
  });
  it('(sidecars of a control plane elsewhere) is not called "no Istio"', async () => {
    const { report, code } = await changed(
      HEALTHY,
      only(podOf('app-1', 'shop', {}, 'istio/proxyv2:1.18.0', 'istio-proxy')),
    );
    assert.deepEqual(
      [code, report.mesh.controlPlanes[0]?.generation, report.mesh.controlPlanes[0]?.namespace],
      [3, 'telemetry-v2', null],
    );
  });
  it('(Mixer beside an istiod without telemetry v2) is diagnosed as Mixer', async () => {
    const { report } = await changed('istio-1.3.8/healthy', (objects) =>
      objects.push(podOf('istiod-1', 'istio-system', { app: 'istiod' }, 'istio/pilot:1.6.0', 'discovery')),
    );
    assert.deepEqual(report.mesh.generations, ['mixer']);
  });
  it('(a Pilot without Mixer) is broken: Mixer is missing', async () => {
    const { report } = await changed(HEALTHY, (objects) =>
      remove(objects, ({ metadata }) => !metadata.name.startsWith('istio-telemetry')),
    );
    assert.deepEqual([report.verdict, report.lostAt?.reason], ['broken', 'MixerMissing']);
  });
  it('(two Mixers in two namespaces) has a section for each', async () => {
    const { report } = await changed(HEALTHY, (objects) => {
      const copies = objects
        .filter(
          ({ kind, metadata }) => (kind === 'Pod' || kind === 'Service') && metadata.name.startsWith('istio-telemetry'),
        )
        .map((object) => ({ ...structuredClone(object), metadata: { ...object.metadata, namespace: 'istio-b' } }));
      objects.push(...copies);
    });
    assert.deepEqual(
      report.mesh.controlPlanes.map(({ namespace }) => namespace),
      ['istio-b', 'istio-system'],
    );
    assert.equal(report.steps.length, 16);
    // Nothing scrapes the copy: what Prometheus holds of the other is not counted for it.
    const stored = report.steps
      .filter(({ namespace }) => namespace === 'istio-b')
      .flatMap(({ checks }) => checks)
      .find(({ id }) => id === 'series-stored');
    assert.notEqual(stored?.status, 'pass');
    assert.notEqual(report.verdict, 'healthy');
  });
  it('(two replicas, one of which refuses) is broken on that one', async () => {
    const { report } = await changed(
      HEALTHY,
      (objects) => {
        const pod = objects.find(({ kind, metadata }) => kind === 'Pod' && MIXER.endsWith(metadata.name));
        if (pod) objects.push({ ...structuredClone(pod), metadata: { ...pod.metadata, name: 'istio-telemetry-b' } });
      },
      {
        change: ({ pages }) => {
          const page = pages.get(`${MIXER}:9093/metrics`);
          if (page) pages.set('istio-system/istio-telemetry-b:9093/metrics', page);
        },
      },
    );
    const check = checkOf(report, 'adapter-listens');
    assert.equal(report.verdict, 'broken');
    assert.match(check?.message ?? '', /1 of 2 Mixer pods/);
  });
  it('(no CRD of an old kind) is an answer, also for a user who would be refused', async () => {
    const { report } = await changed(
      'istio-1.3.8/healthy',
      (objects) =>
        remove(
          objects,
          ({ kind, metadata }) =>
            kind !== 'CustomResourceDefinition' || !/^(prometheuses|metrics)\./.test(metadata.name),
        ),
      {
        faults: [{ match: /^GET .*\/v1alpha2\/(.*\/)?(prometheuses|metrics)\?/, fault: 'forbid' }],
      },
    );
    assert.equal(report.verdict, 'healthy');
  });
});

describe('one workload', () => {
  const about = async (workload: string, id: string, name = HEALTHY) => {
    const { report } = await withStandIn(name, (_, env) =>
      reported(['missing-metrics', workload, '-n', 'bookinfo'], { env }),
    );
    return checkOf(report, id);
  };
  for (const id of ['workload-injected', 'workload-reports', 'workload-stored']) {
    it(`that is healthy passes ${id}`, async () => assert.equal((await about('service/details', id))?.status, 'pass'));
    it(`of 0.8, which names services only, passes ${id}`, async () =>
      assert.equal((await about('deploy/details-v1', id, 'istio-0.8.0/healthy'))?.status, 'pass'));
  }
  it('without a proxy is told so', async () => {
    const check = await about('service/details', 'workload-injected', 'istio-1.0.6/no-reports');
    assert.deepEqual([check?.status, check?.reason], ['fail', 'NotInjected']);
  });
  it('without a proxy in a mesh that is broken for all is lost for its own reason first', async () => {
    const bare = ({ kind, metadata }: RecordedObject): boolean => kind === 'Pod' && metadata.name.startsWith('details');
    const { report } = await changed(
      'istio-1.0.6/handler-missing',
      (objects) => {
        for (const { spec } of objects.filter(bare)) {
          const containers = (spec?.containers ?? []) as { name: string }[];
          Object.assign(spec ?? {}, { containers: containers.filter(({ name }) => name !== 'istio-proxy') });
        }
      },
      {},
      ['missing-metrics', 'service/details', '-n', 'bookinfo'],
    );
    assert.deepEqual([report.lostAt?.step, report.lostAt?.reason], ['report-calls', 'NotInjected']);
    assert.ok(report.losses.some(({ reason }) => reason === 'HandlerMissing'));
    assert.equal(report.run.scope.workload?.name, 'details');
  });
});

describe('hostile text', () => {
  it('is escaped in every format', async () => {
    const evil = '\x1b[31mEVIL\x07\u202e';
    const { report, stdout } = await changed(
      HEALTHY,
      (objects) => {
        const rule = objects.find(({ kind, metadata }) => kind === 'rule' && metadata.name === 'promhttp');
        if (rule) rule.spec = { ...rule.spec, match: evil };
      },
      {
        change: ({ logs, pages }) => {
          logs.set(`${MIXER}/mixer`, `2026-11-22T01:00:00Z\terror\tpanic during handler dispatch: ${evil}\n`);
          for (const [key, page] of pages)
            if (key.endsWith('/targets'))
              pages.set(key, {
                ...page,
                body: String(page.body)
                  .replace('"lastError":""', `"lastError":${JSON.stringify(evil)}`)
                  .replace('"health":"up"', '"health":"down"'),
              });
        },
      },
    );
    assert.ok(JSON.stringify(report).includes('EVIL'));
    assert.ok(!/[\p{Cc}\p{Cf}]/u.test(stdout.replaceAll('\n', '')));
    assert.ok(!stdout.includes('\\u001b'));
  });
});
