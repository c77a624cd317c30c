import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { guide } from '../src/guide/index.ts';
import type { Report } from '../src/report/document.ts';
import { ISTIOD, istiodObject, modernMesh, PRODUCTPAGE, podObject, productpageObject } from './support/modern.ts';
import { it } from './support/programs.ts';
import type { Page, RecordedObject, Recording } from './support/recordings.ts';
import { checkOf, ran, reported } from './support/run.ts';
import { assertSchema } from './support/schema.ts';
import { type StandInOptions, startStandIn } from './support/stand-in.ts';
import { withStandIn } from './support/standing.ts';

/** Envoy's pages that change something: 1.7 obeys them on GET (guide.md 0.6). */
const MUTATING =
  /quitquitquit|reset_counters|\/logging|cpuprofiler|heapprofiler|healthcheck\/|drain_listeners|runtime_modify|reopen_logs|push=|force_disconnect/;

const at = `bookinfo/${PRODUCTPAGE}`;
const text = (body: string, contentType = 'text/plain'): Page => ({ status: 200, contentType, body });
const TOPICS = guide.map(({ id }) => id);

async function withMesh<T>(
  objects: readonly RecordedObject[],
  pages: ReadonlyMap<string, Page>,
  use: (env: { KUBECONFIG: string }, requests: readonly string[]) => Promise<T>,
  options: StandInOptions = {},
): Promise<T> {
  const standIn = await startStandIn({ ...modernMesh(istiodObject(), ...objects), pages: new Map(pages) }, options);
  try {
    return await use({ KUBECONFIG: standIn.kubeconfig }, standIn.requests);
  } finally {
    await standIn.close();
  }
}

describe('text from the cluster', () => {
  const hostile = '\x1b[31m\u202equitquitquit';
  const evil = (name: string): RecordedObject => {
    const proxy = {
      name: 'istio-proxy',
      image: `docker.io/istio/proxyv2:1.31.0${hostile}`,
      args: ['proxy', 'sidecar', '--proxyAdminPort', '15000/quitquitquit', '--domain', hostile],
    };
    return podObject(name, {
      namespace: 'bookinfo',
      labels: { app: `a${hostile}`, 'istio.io/rev': '../../quitquitquit' },
      annotations: {
        'prometheus.io/port': '15000/quitquitquit',
        'prometheus.io/path': '/quitquitquit',
        'sidecar.istio.io/logLevel': hostile,
      },
      containers: [{ name: `app${hostile}`, image: hostile, ports: [{ containerPort: 9080 }] }, proxy],
    });
  };
  const pages = new Map<string, Page>([
    [`${at}:15000/stats`, text(`listener_manager.lds.update_success: 3\n${hostile}: 3\n`)],
    [
      `${at}:15000/server_info`,
      text(
        JSON.stringify({ state: hostile, command_line_options: { log_level: `debug${hostile}` } }),
        'application/json',
      ),
    ],
    [
      `${at}:15000/config_dump`,
      text(
        JSON.stringify({
          configs: [{ '@type': 'x.ClustersConfigDump', static_clusters: [{ cluster: { name: hostile } }] }],
        }),
        'application/json',
      ),
    ],
    [`${at}:15000/certs`, text(hostile)],
    [`${at}:15000/clusters`, text(`${hostile}::1.2.3.4:5::health_flags::${hostile}`)],
    [
      `istio-system/${ISTIOD}:15014/debug/syncz`,
      text(JSON.stringify([{ proxy: `../../quitquitquit${hostile}.bookinfo` }]), 'application/json'),
    ],
  ]);

  it('leads no topic to a page that changes something, and no terminal to obey it', () =>
    withMesh([productpageObject(), evil('worker-1')], pages, async (env, requests) => {
      for (const words of [
        ...TOPICS.map((topic) => [topic, '-o', 'wide']),
        ['all'],
        ['debug', 'sync'],
        ['debug', 'tcpdump', 'bookinfo/worker-1'],
        ['debug', 'gdb', 'bookinfo/worker-1'],
        ...['clusters', 'endpoints', 'bootstrap'].map((kind) => ['debug', 'proxy-config', kind, at]),
      ]) {
        const { stdout, stderr, code } = await ran([...words, '--color', 'never'], { env });
        assert.ok(code !== null && code < 6, `${words.join(' ')}: ${stderr}`);
        for (const character of ['\x1b', '\u202e']) assert.ok(!(stdout + stderr).includes(character), words.join(' '));
        assert.doesNotMatch(stderr, /bug in|\n +at /, words.join(' '));
      }
      assert.deepEqual(
        requests.filter((each) => MUTATING.test(each)),
        [],
      );
    }));

  it('nor does a flag or an argument', () =>
    withMesh([productpageObject()], pages, async (env, requests) => {
      for (const words of [
        ['route-rules', '--from', '../quitquitquit'],
        ['route-rules', '--from', 'bookinfo/quitquitquit'],
        ['http10', '-n', 'quitquitquit'],
        ['debug', 'proxy-config', 'clusters', 'bookinfo/quitquitquit'],
        ['debug', 'proxy-config', '/quitquitquit', at],
        ['debug', 'pilot', 'adsz?push=true'],
        ['debug', 'diff', `${at}?push=true`],
        ['metrics', PRODUCTPAGE, '-n', 'bookinfo', '--port', '15000', '--path', '/quitquitquit'],
        ['envoy-cpu', '--prometheus-service', 'bookinfo/productpage:15000/quitquitquit?'],
      ])
        await ran(words, { env });
      // A name may be asked for; a page of that name may not.
      assert.deepEqual(
        requests.filter((each) => /^(PAGE|UPGRADE|TUNNEL).*(quitquitquit|push)/.test(each)),
        [],
      );
    }));
});

describe('a page of Envoy’s that is', () => {
  const wrong: readonly [string, Page][] = [
    ['HTML', text('<html><title>Sign in</title></html>', 'text/html')],
    ['empty', text('')],
    [
      'cut off',
      text('{"configs":[{"@type":"x.ClustersConfigDump","dynamic_active_clusters":[{"clus', 'application/json'),
    ],
    ['an error', { status: 500, contentType: 'text/plain', body: 'no' }],
    ['not for us', { status: 403, contentType: 'text/plain', body: 'RBAC: access denied' }],
  ];
  for (const [what, page] of wrong) {
    it(`${what}: unknown, in one document, never green`, () => {
      const pages = new Map(
        ['stats', 'server_info', 'config_dump', 'certs', 'clusters'].map((name) => [`${at}:15000/${name}`, page]),
      );
      pages.set(`istio-system/${ISTIOD}:15014/debug/syncz`, page);
      return withMesh([productpageObject()], pages, async (env) => {
        for (const topic of ['headless-tcp', 'envoy-cpu', 'pilot-connectivity']) {
          const { report } = await reported([topic], { env });
          assertSchema(report);
          const seen = report.steps
            .flatMap(({ checks }) => checks)
            .find(({ id }) => ['proxies-stay-up', 'settings-are-cheap', 'proxies-are-connected'].includes(id));
          assert.ok(
            seen && (seen.status === 'unknown' || seen.status === 'skip'),
            `${topic}: ${seen?.status} ${seen?.message}`,
          );
        }
      });
    });
  }

  const dumpOf = (megabytes: number): Page => {
    const cluster = JSON.stringify({ cluster: { name: `outbound|80||${'x'.repeat(900)}`, type: 'EDS' } });
    const clusters = Array.from({ length: Math.ceil((megabytes * 1024 * 1024) / cluster.length) }, () => cluster).join(
      ',',
    );
    return text(
      `{"configs":[{"@type":"x.ClustersConfigDump","dynamic_active_clusters":[${clusters}]}]}`,
      'application/json',
    );
  };
  for (const [megabytes, says] of [
    [52, /has 5\d\.\d MB/],
    [70, /more than 64 MB/],
  ] as const) {
    it(`${megabytes} MB large: told`, () =>
      withMesh([productpageObject()], new Map([[`${at}:15000/config_dump`, dumpOf(megabytes)]]), async (env) => {
        const { report, code } = await reported(['envoy-cpu'], { env });
        assert.equal(code, 1);
        const check = checkOf(report, 'configuration-is-scoped');
        assert.equal(check?.reason, 'ConfigurationTooLarge');
        assert.match(check?.message ?? '', says);
      }));
  }
});

describe('a proxy', () => {
  it('on a node that does not answer is unknown, and costs no other its answer', () =>
    withMesh(
      [productpageObject(), productpageObject({ ip: '10.244.0.9' }, 'productpage-v1-far')],
      new Map([[`${at}:15000/server_info`, text('envoy x/1.7.0/RELEASE live 35 35 0')]]),
      async (env) => {
        const { report } = await reported(['envoy-cpu', '--request-timeout', '2s'], { env });
        const check = checkOf(report, 'settings-are-cheap');
        assert.equal(check?.status, 'unknown');
        assert.match(check?.message ?? '', /^1 of 2 proxies could not be asked/);
      },
      { faults: [{ match: /productpage-v1-far\/portforward/, fault: 'stall' }] },
    ));
});

describe('a name outside Kubernetes’ rules', () => {
  const strange = ['../../secrets', 'a b', '-x', 'a%2f', 'a?b=c', 'x\u202e', ''];
  const proxied = (name: string): RecordedObject =>
    podObject(name, {
      namespace: 'bookinfo',
      labels: { app: 'strange' },
      containers: [{ name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.31.0', args: ['proxy', 'sidecar'] }],
    });

  it('costs its own checks, in every topic', async () => {
    for (const name of strange) {
      await withMesh([proxied(name)], new Map(), async (env, requests) => {
        const { code, stdout, stderr } = await ran(['all', '-o', 'json', '--sample', '9'], { env });
        const { items } = JSON.parse(stdout) as { items: Report[] };
        assert.deepEqual([items.length, code === 2, stderr], [TOPICS.length, false, ''], name);
        assert.ok(!items.some(({ verdict }) => verdict === 'error'));
        const refused = items.flatMap(({ steps }) => steps.flatMap(({ checks }) => checks));
        assert.ok(
          refused.some(({ status, reason }) => status === 'unknown' && reason === 'BadAnswer'),
          name,
        );
        assert.ok(!requests.some((line) => line.includes('secrets')));
      });
    }
  });

  it('of a Mixer leaves what does not ask it', async () => {
    const change = (recording: Recording): void => {
      const mixer = recording.objects.find(({ metadata }) => metadata.name.startsWith('istio-telemetry-'));
      assert.ok(mixer);
      mixer.metadata.name = 'a b';
    };
    await withStandIn(
      'istio-1.0.6/healthy',
      async (_, env) => {
        const { report, code } = await reported(['missing-metrics'], { env });
        assert.deepEqual([report.verdict, code], ['inconclusive', 3]);
        const statuses = new Map(report.steps.map(({ id, status }) => [id, status]));
        assert.equal(statuses.get('report-calls'), 'unknown');
        assert.equal(statuses.get('prometheus-handler'), 'pass');
      },
      { change },
    );
  });
});
