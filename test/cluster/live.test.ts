import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Cluster } from '../../src/cluster/question/cluster.ts';
import type { PageQuestion } from '../../src/cluster/question/question.ts';
import { namespaces, pods, rules } from '../../src/cluster/question/resources.ts';
import { textOf } from '../../src/cluster/question/text.ts';
import { lastWords } from '../../src/cluster/ways/kubectl.ts';
import { endAllOf } from '../../src/cluster/ways/kubectl-process.ts';
import { type LiveCluster, liveCluster } from '../../src/cluster/ways/live.ts';
import { rawApiServer } from '../../src/cluster/ways/raw.ts';
import { hindranceIn, isRefusedByPod, rightIn } from '../../src/cluster/ways/refusal.ts';
import { makeScratch } from '../../src/cluster/ways/scratch.ts';
import { type Hindrance, NoAnswer } from '../../src/errors.ts';
import { it } from '../support/programs.ts';
import type { Recording } from '../support/recordings.ts';
import type { Fault, StandInOptions } from '../support/stand-in.ts';
import { withStandIn } from '../support/standing.ts';

const MIXER = 'istio-telemetry-gb257cd5hf-43880';
const PROMETHEUS = 'prometheus-1cb6f872bd-e55ee';
const metricsPage: PageQuestion = {
  ask: 'page',
  namespace: 'istio-system',
  pod: MIXER,
  port: 9093,
  path: '/metrics',
};

async function withLive(
  use: (live: LiveCluster, requests: string[]) => Promise<void>,
  {
    recording = 'istio-1.0.6/healthy',
    ...options
  }: StandInOptions & { recording?: string; change?: (recording: Recording) => void } = {},
): Promise<void> {
  await withStandIn(
    recording,
    async ({ requests }, { KUBECONFIG }) => {
      const scratch = makeScratch();
      const kubectl = { program: 'kubectl', flags: [`--kubeconfig=${KUBECONFIG}`], env: process.env };
      const live = liveCluster({ kubectl, patience: { request: 1500, run: new AbortController().signal }, scratch });
      try {
        await use(live, requests);
      } finally {
        await live.close();
        await endAllOf(kubectl);
        scratch.remove();
      }
    },
    options,
  );
}

const failing = async (ask: Promise<unknown>): Promise<NoAnswer['unanswered']> => {
  const error = await ask.then(
    () => assert.fail('there was an answer'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof NoAnswer, String(error));
  return error.unanswered;
};

const readText = async (cluster: Cluster, question: PageQuestion): Promise<string> =>
  textOf(question, await cluster.read(question));

describe('a live cluster', () => {
  it('lists in pages, cut down to what is read', async () => {
    await withLive(async (live) => {
      const all = await live.list({ ask: 'list', resource: pods, namespace: null });
      assert.equal(all.length, 16);
      const mixer = all.find(({ metadata }) => metadata.name === MIXER);
      assert.deepEqual(Object.keys(mixer ?? {}).sort(), ['apiVersion', 'kind', 'metadata', 'spec', 'status']);
      assert.ok(!JSON.stringify(all).includes('terminationMessagePath'));
    });
  });

  it('reads pages through one tunnel of the gateway for a port, and starts no other kubectl', async () => {
    await withLive(async (live, requests) => {
      const [own, adapter, twice, other] = await Promise.all([
        readText(live, metricsPage),
        readText(live, { ...metricsPage, port: 42422 }),
        readText(live, { ...metricsPage, reading: 2 }),
        readText(live, { ...metricsPage, pod: PROMETHEUS, port: 9090, path: '/api/v1/status/config' }),
      ]);
      assert.match(own, /grpc_server_handled_total/);
      assert.match(adapter, /istio_requests_total/);
      assert.equal(twice, own);
      assert.match(other, /scrape_configs/);
      const tunnels = (): number => requests.filter((line) => line.startsWith('TUNNEL')).length;
      assert.equal(tunnels(), 3);
      await readText(live, metricsPage);
      assert.equal(tunnels(), 4);
      await Promise.all(Array.from({ length: 9 }, () => readText(live, metricsPage)));
      assert.equal(tunnels(), 6);
      assert.equal(requests.filter((line) => line.startsWith('UPGRADE')).length, 0);
    });
  });

  it('reads a page past one that nobody reads, both whole', async () => {
    const large = `# HELP x ${'y'.repeat(5_000_000)}\n`;
    await withLive(
      async (live, requests) => {
        const [unread, own] = await Promise.all([
          live.read(metricsPage),
          readText(live, { ...metricsPage, path: '/version' }),
        ]);
        assert.equal(own, 'small');
        assert.equal(await textOf(metricsPage, unread), large);
        assert.equal(requests.filter((line) => line.startsWith('TUNNEL')).length, 1);
      },
      {
        change: ({ pages }) => {
          const page = pages.get(`istio-system/${MIXER}:9093/metrics`);
          assert.ok(page);
          pages.set(`istio-system/${MIXER}:9093/version`, { ...page, body: 'small' });
          page.body = large;
        },
      },
    );
  });

  it('loses one page of a tunnel, where it breaks, and not the others', async () => {
    await withLive(
      async (live, requests) => {
        const version = { ...metricsPage, path: '/version' };
        const [own, broken] = await Promise.all([
          readText(live, metricsPage),
          failing(live.read(version).then((answer) => textOf(version, answer))),
        ]);
        assert.match(own, /grpc_server_handled_total/);
        assert.equal(broken.hindrance, 'BadAnswer');
        assert.ok(requests.filter((line) => line.startsWith('TUNNEL')).length <= 2);
      },
      { faults: [{ match: /^PAGE .*:9093\/version/, fault: 'cut' }] },
    );
  });

  for (const refusesTunnels of [false, true]) {
    const way = refusesTunnels ? 'port-forward' : 'tunnel';
    it(`tells a port that refuses from one that answers, through a ${way}`, async () => {
      await withLive(
        async (live) => {
          const [own, refused] = await Promise.all([
            readText(live, metricsPage),
            failing(live.read({ ...metricsPage, port: 42422 })),
          ]);
          assert.match(own, /mixer_config/);
          assert.equal(refused.hindrance, 'ConnectionRefused');
          assert.match(refused.words, /^error forwarding port 42422 to pod: .*connection refused$/);
          assert.match(await readText(live, { ...metricsPage, reading: 2 }), /mixer_config/);
        },
        { recording: 'istio-1.0.6/handler-missing', refusesTunnels },
      );
    });
  }

  it('takes port-forwards where tunnels are refused, one for each port', async () => {
    await withLive(
      async (live, requests) => {
        assert.match(await readText(live, metricsPage), /grpc_server_handled_total/);
        assert.match(await readText(live, metricsPage), /grpc_server_handled_total/);
        assert.match(await readText(live, { ...metricsPage, port: 42422 }), /istio_requests_total/);
        assert.equal(requests.filter((line) => line.startsWith('UPGRADE')).length, 2);
      },
      { refusesTunnels: true },
    );
  });

  const listFaults: readonly [Fault, Hindrance, RegExp][] = [
    ['forbid', 'Forbidden', /User "sre" cannot list resource "rules"/],
    ['unauthorized', 'Unauthorized', /Unauthorized/],
    ['error', 'BadAnswer', /etcdserver: request timed out/],
    ['stall', 'TimedOut', /no answer within 1\.5s/],
    ['reset', 'Unreachable', /EOF|reset/],
    ['cut', 'BadAnswer', /./],
    ['html', 'BadAnswer', /not whole JSON/],
  ];
  for (const [fault, hindrance, words] of listFaults) {
    it(`calls a list that meets "${fault}" ${hindrance}`, async () => {
      await withLive(
        async (live) => {
          const unanswered = await failing(live.list({ ask: 'list', resource: rules, namespace: null }));
          assert.equal(unanswered.hindrance, hindrance, unanswered.words);
          assert.match(unanswered.words, words);
          assert.deepEqual(unanswered.right, { verb: 'list', resource: 'rules.config.istio.io', namespace: null });
        },
        { faults: [{ match: /^GET .*\/rules/, fault }] },
      );
    });
  }

  for (const times of [1, 3]) {
    it(`asks again when it was throttled, ${times} times`, async () => {
      await withLive(
        async (live) => assert.equal((await live.list({ ask: 'list', resource: rules, namespace: null })).length, 6),
        { faults: [{ match: /^GET .*\/rules/, fault: 'throttle', times }] },
      );
    });
  }

  it('starts a list again that grew too old', async () => {
    await withLive(
      async (live) => assert.equal((await live.list({ ask: 'list', resource: rules, namespace: null })).length, 6),
      { faults: [{ match: /^GET .*\/rules/, fault: 'expire', times: 1 }] },
    );
  });

  it('reads a page through the API server when port-forwarding is forbidden', async () => {
    await withLive(
      async (live, requests) => {
        assert.match(await readText(live, metricsPage), /mixer_config/);
        assert.ok(requests.some((line) => line.includes(`/pods/${MIXER}:9093/proxy/metrics`)));
      },
      { faults: [{ match: /^UPGRADE/, fault: 'forbid' }] },
    );
  });

  it('says what it tried when that is forbidden too', async () => {
    await withLive(
      async (live) => {
        const unanswered = await failing(live.read(metricsPage));
        assert.equal(unanswered.hindrance, 'Forbidden');
        assert.deepEqual(unanswered.right, { verb: 'create', resource: 'pods/portforward', namespace: 'istio-system' });
        assert.match(unanswered.triedInstead[0] ?? '', /^get pods\/proxy: .*forbidden/);
      },
      {
        faults: [
          { match: /^UPGRADE/, fault: 'forbid' },
          { match: /\/proxy\//, fault: 'forbid' },
        ],
      },
    );
  });

  it('tells a refused port from an unreadable one through the API server too', async () => {
    await withLive(
      async (live) => {
        // Whose address it is that refused is not known before the pods are.
        assert.equal((await failing(live.read({ ...metricsPage, port: 42422 }))).hindrance, 'Forbidden');
        await live.list({ ask: 'list', resource: pods, namespace: null });
        assert.equal((await failing(live.read({ ...metricsPage, port: 42422 }))).hindrance, 'ConnectionRefused');
      },
      { faults: [{ match: /^UPGRADE/, fault: 'forbid' }], recording: 'istio-1.0.6/handler-missing' },
    );
  });

  for (const [fault, hindrance] of [
    ['stall', 'TimedOut'],
    ['cut', 'BadAnswer'],
    ['reset', 'BadAnswer'],
  ] as const) {
    it(`calls a page that meets "${fault}" ${hindrance}`, async () => {
      await withLive(async (live) => assert.equal((await failing(readText(live, metricsPage))).hindrance, hindrance), {
        faults: [{ match: /^PAGE .*:9093\/metrics/, fault }],
      });
    });
  }

  it('says how much had come before a list, and a page, came to a standstill', async () => {
    const many = ({ objects }: Recording): void => {
      const [namespace] = objects.filter(({ kind }) => kind === 'Namespace');
      for (let number = 0; number < 600; number++)
        objects.push({ ...namespace, metadata: { name: `n${number}` } } as (typeof objects)[number]);
    };
    await withLive(
      async (live) => {
        const stalled = await failing(live.list({ ask: 'list', resource: namespaces, namespace: null }));
        assert.deepEqual([stalled.hindrance, stalled.words], ['TimedOut', 'no answer within 1.5s, after 500 objects']);
        const page = await failing(readText(live, metricsPage));
        assert.deepEqual([page.hindrance, page.words], ['TimedOut', 'no answer within 1.5s, after 11 bytes']);
      },
      {
        change: many,
        faults: [
          { match: /^GET .*\/namespaces.*continue/, fault: 'stall' },
          { match: /^PAGE .*:9093\/metrics/, fault: 'begin' },
        ],
      },
    );
  });

  it('names a stalled port-forward a timeout', async () => {
    await withLive(async (live) => assert.equal((await failing(live.read(metricsPage))).hindrance, 'TimedOut'), {
      faults: [{ match: /^UPGRADE/, fault: 'stall' }],
    });
  });

  it('gives up at once when the run is interrupted', async () => {
    await withStandIn(
      'istio-1.0.6/healthy',
      async (_, { KUBECONFIG }) => {
        const interrupt = new AbortController();
        const scratch = makeScratch();
        const live = liveCluster({
          kubectl: { program: 'kubectl', flags: [`--kubeconfig=${KUBECONFIG}`], env: process.env },
          patience: { request: 60_000, run: interrupt.signal },
          scratch,
        });
        setTimeout(() => interrupt.abort('Interrupted'), 200);
        const unanswered = await failing(live.list({ ask: 'list', resource: rules, namespace: null }));
        assert.equal(unanswered.hindrance, 'Interrupted');
        await live.close();
        scratch.remove();
      },
      { faults: [{ match: /rules/, fault: 'stall' }] },
    );
  });

  it('says that there is no kubectl', async () => {
    const scratch = makeScratch();
    const live = liveCluster({
      kubectl: { program: '/nonexistent/kubectl', flags: [], env: process.env },
      patience: { request: 2000, run: new AbortController().signal },
      scratch,
    });
    assert.equal((await failing(live.list({ ask: 'list', resource: rules, namespace: null }))).hindrance, 'NoKubectl');
    await live.close();
    scratch.remove();
  });
});

describe('kubectl get --raw, where there is no unix socket', () => {
  it('answers alike', async () => {
    await withStandIn(
      'istio-1.0.6/healthy',
      async (_, { KUBECONFIG }) => {
        const server = rawApiServer({ program: 'kubectl', flags: [`--kubeconfig=${KUBECONFIG}`], env: process.env });
        const patience = { request: 3000, run: new AbortController().signal };
        const status = async (path: string): Promise<number> => (await server.get(path, patience)).status;
        const asked = [
          '/version',
          '/api/v1/pods?limit=1',
          '/apis/config.istio.io/v1alpha2/nothing',
          '/api/v1/services',
        ];
        assert.deepEqual(await Promise.all(asked.map(status)), [200, 200, 404, 403]);
        assert.match(server.words(), /forbidden|not found|could not find/);
        await server.close();
      },
      { faults: [{ match: /services/, fault: 'forbid' }] },
    );
  });
});

describe('kubectl’s words', () => {
  it('are its last line that is not a log line', () => {
    assert.equal(
      lastWords(
        'E1122 02:54:58.117181    3650 proxy_server.go:147] Error while proxying\nerror: context "x" does not exist\n',
      ),
      'error: context "x" does not exist',
    );
    assert.equal(
      lastWords('E1122 02:54:58.117181    3650 proxy_server.go:147] Error while proxying: dial tcp\n'),
      'Error while proxying: dial tcp',
    );
    assert.equal(lastWords(''), '');
  });

  const words: readonly [string, Hindrance][] = [
    ['Error from server (Forbidden): pods is forbidden: User "x" cannot list', 'Forbidden'],
    ['error: You must be logged in to the server (Unauthorized)', 'Unauthorized'],
    ['error: getting credentials: exec: executable aws not found', 'Unauthorized'],
    ['Error from server (NotFound): pods "x" not found', 'NotFound'],
    ['Unable to connect to the server: net/http: TLS handshake timeout: timed out', 'TimedOut'],
    ['The connection to the server localhost:8080 was refused', 'Unreachable'],
  ];
  for (const [said, hindrance] of words)
    it(`"${said.slice(0, 50)}" is ${hindrance}`, () => assert.equal(hindranceIn(said), hindrance));

  for (const [said, port, ip, is] of [
    ['error trying to reach service: dial tcp 10.0.0.5:15014: connect: connection refused', 15014, '10.0.0.5', true],
    ['dial tcp [fd00::5]:15014: connect: connection refused', 15014, 'fd00::5', true],
    ['dial tcp 10.0.0.5:15014: connect: connection refused', 1501, '10.0.0.5', false],
    ['dial tcp 10.0.0.5:15014: connect: connection refused', 5014, '10.0.0.5', false],
    ['dial tcp 110.0.0.5:15014: connect: connection refused', 15014, '10.0.0.5', false],
    ['dial tcp 10.0.0.50:15014: connect: connection refused', 15014, '10.0.0.5', false],
    ['dial tcp 10x0.0.5:15014: connect: connection refused', 15014, '10.0.0.5', false],
    ['dial tcp 172.18.0.2:10250: connect: connection refused', 15014, '10.0.0.5', false],
    ['proxyconnect 10.0.0.5:15014: dial tcp 127.0.0.1:8131: connect: connection refused', 15014, '10.0.0.5', false],
    [
      'Get "http://10.0.0.5:15014/metrics": dial tcp 10.9.9.9:3128: connect: connection refused',
      15014,
      '10.0.0.5',
      false,
    ],
    ['dial tcp 10.0.0.5:15014: i/o timeout', 15014, '10.0.0.5', false],
    [
      'failed to connect to localhost:42422 inside namespace "/var/run/netns/cni-1", IPv4: dial tcp4 127.0.0.1:42422: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found',
      42422,
      undefined,
      true,
    ],
    [
      'exit status 1: 2018/11/01 10:00:00 socat[31] E connect(5, AF=2 127.0.0.1:9093, 16): Connection refused',
      9093,
      undefined,
      true,
    ],
    ['error dialing backend: dial tcp 172.18.0.2:10250: connect: connection refused', 9093, undefined, false],
    ['error dialing backend: dial tcp 127.0.0.1:10250: connect: connection refused', 9093, undefined, false],
    ['connect ECONNREFUSED /tmp/s', 9093, undefined, false],
  ] as const) {
    it(`${is ? 'tell' : 'do not tell'} that port ${port} of a pod refused: "${said.slice(0, 90)}"`, () =>
      assert.equal(isRefusedByPod(said, port, ip && [ip]), is));
  }

  it('name the right that is missing, in new and old form', () => {
    assert.deepEqual(
      rightIn(
        'pods "x" is forbidden: User "v" cannot create resource "pods/portforward" in API group "" in the namespace "istio-system"',
      ),
      { verb: 'create', resource: 'pods/portforward', namespace: 'istio-system' },
    );
    assert.deepEqual(
      rightIn(
        'rules.config.istio.io is forbidden: User "v" cannot list resource "rules" in API group "config.istio.io" at the cluster scope',
      ),
      { verb: 'list', resource: 'rules.config.istio.io', namespace: null },
    );
    assert.deepEqual(rightIn('User "v" cannot create pods/portforward in the namespace "a"'), {
      verb: 'create',
      resource: 'pods/portforward',
      namespace: 'a',
    });
    assert.equal(rightIn('something else'), null);
  });
});
