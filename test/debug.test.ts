import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { load as parse } from 'js-yaml';
import { shellLine } from '../src/cluster/question/shell.ts';
import { minorOf } from '../src/cluster/ways/identity.ts';
import { planOf, type Situation } from '../src/commands/debug/container.ts';
import { differencesOf } from '../src/commands/debug/diff.ts';
import { type Configuration, dumpIn } from '../src/evidence/envoy/dump.ts';
import { endpointsIn } from '../src/evidence/envoy/endpoints.ts';
import { dump, listener } from './support/envoys.ts';
import { container, workloadPod } from './support/mixer.ts';
import { ISTIOD, istiodObject, modernMesh, PRODUCTPAGE, productpageObject } from './support/modern.ts';
import { it } from './support/programs.ts';
import type { Page } from './support/recordings.ts';
import { ran } from './support/run.ts';
import { startStandIn } from './support/stand-in.ts';

const page = (name: string): string => readFileSync(new URL(`./pages/envoy-1.40/${name}`, import.meta.url), 'utf8');
const json = (body: string): Page => ({ status: 200, contentType: 'application/json', body });
const text = (body: string): Page => ({ status: 200, contentType: 'text/plain', body });

const CLUSTERS = [
  'outbound|9080||reviews.bookinfo.svc.cluster.local::observability_name::x',
  'outbound|9080||reviews.bookinfo.svc.cluster.local::10.244.0.5:9080::cx_active::1',
  'outbound|9080||reviews.bookinfo.svc.cluster.local::10.244.0.5:9080::health_flags::healthy',
  'outbound|9080||reviews.bookinfo.svc.cluster.local::[fd00::5]:9080::health_flags::/failed_outlier_check',
  'xds-grpc::./etc/istio/proxy/XDS::health_flags::healthy',
].join('\n');

describe('endpoints', () => {
  it('are read in every form of address', () => {
    const cluster = 'outbound|9080||reviews.bookinfo.svc.cluster.local';
    assert.deepEqual(endpointsIn(CLUSTERS), [
      { cluster, address: '10.244.0.5:9080', healthy: true, outlier: false },
      { cluster, address: '[fd00::5]:9080', healthy: false, outlier: true },
      { cluster: 'xds-grpc', address: './etc/istio/proxy/XDS', healthy: true, outlier: false },
    ]);
    assert.deepEqual(endpointsIn(''), []);
    assert.equal(endpointsIn('<html>'), null);
  });
});

describe('what Pilot sent against what Envoy has', () => {
  const whole = (change: Partial<Configuration>): Configuration => ({ ...dump(), ...change });
  const named = (...names: readonly string[]) => names.map((name) => listener({ name }));
  it('is nothing where both agree, whatever the bootstrap has', () => {
    const has = whole({ listeners: [...named('a'), listener({ name: 'admin', fixed: true })] });
    assert.deepEqual(differencesOf(whole({ listeners: named('a') }), has), []);
  });
  it('says which of them has what', () => {
    assert.deepEqual(differencesOf(whole({ listeners: named('a', 'b') }), whole({ listeners: named('b', 'c') })), [
      { kind: 'listeners', name: 'a', where: 'only in Pilot', words: '' },
      { kind: 'listeners', name: 'c', where: 'only in Envoy', words: '' },
    ]);
  });
  it('says what Envoy refused, and why', () => {
    const refused = [listener({ name: 'a', error: 'script load error\n' })];
    assert.deepEqual(differencesOf(whole({ listeners: named('a') }), whole({ listeners: refused })), [
      { kind: 'listeners', name: 'a', where: 'refused by Envoy', words: 'script load error' },
    ]);
  });
});

const pod = workloadPod('reviews-1', true, {
  containers: [
    container('app', 'app:1', { ports: [{ name: null, port: 8080 }] }),
    container('istio-proxy', 'docker.io/istio/proxyv2:1.31.0-distroless', { user: 1337 }),
  ],
});
const situation = (change: Partial<Situation> = {}): Situation => ({
  pod,
  server: 36,
  client: 36,
  level: null,
  ...change,
});
const lineOf = (tool: 'tcpdump' | 'gdb', change: Partial<Situation> = {}): string => {
  const { args, command } = planOf(tool, situation(change));
  return shellLine('kubectl', ...args, '--', ...command);
};

describe('the line for', () => {
  it('tcpdump has the mesh’s own image, which knows it, and the profile that may capture', () => {
    assert.equal(
      lineOf('tcpdump'),
      "kubectl debug -n bookinfo reviews-1 -it --profile=netadmin --image=docker.io/istio/proxyv2:1.31.0 -- tcpdump -i any -nn -s0 -c 1000 'port 8080 and not port 15000'",
    );
  });
  it('gdb looks into the proxy’s own processes', () => {
    assert.equal(
      lineOf('gdb'),
      'kubectl debug -n bookinfo reviews-1 -it --profile=general --target=istio-proxy --image=docker.io/library/ubuntu -- bash',
    );
  });
  it('a kubectl that has no such profile is none', () => {
    assert.throws(
      () => lineOf('tcpdump', { client: 28 }),
      /kubectl 1\.28 has no profile for tcpdump: 1\.29 is the first/,
    );
    assert.throws(() => lineOf('gdb', { client: 24 }), /1\.25 is the first/);
    assert.ok(lineOf('gdb', { client: 25 }));
  });
  it('a cluster without ephemeral containers is none, and the way round is told', () => {
    assert.throws(
      () => lineOf('tcpdump', { server: 22 }),
      /1\.22 has no ephemeral containers.*on node node-1.*nsenter/,
    );
  });
  it('unknown versions are taken for today’s, and that is said', () =>
    assert.match(
      planOf('tcpdump', situation({ server: null, client: null })).notes.join(),
      /those of today are assumed/,
    ));
  it('an image that is no name is refused, and one with a digest only is kept', () => {
    const of = (image: string) => ({ pod: { ...pod, containers: [container('istio-proxy', image)] } });
    assert.throws(() => lineOf('tcpdump', of('x\x1b[31m')), /is no name of an image/);
    assert.match(lineOf('tcpdump', of('istio/proxyv2@sha256:abc')), /--image=istio\/proxyv2@sha256:abc /);
    assert.match(
      lineOf('tcpdump', of('r:5000/istio/proxyv2:1.31.0@sha256:abc')),
      /--image=r:5000\/istio\/proxyv2:1\.31\.0 /,
    );
  });
  const notes = (change: Partial<Situation>): string => planOf('tcpdump', situation(change)).notes.join('\n');
  it('what it adds to the pod, and the rights it takes, are said', () => {
    assert.match(
      notes({}),
      /adds a container to pod bookinfo\/reviews-1 that stays there[\s\S]*patch pods\/ephemeralcontainers/,
    );
    assert.doesNotMatch(notes({}), /pod-security|runs as user/);
  });
  it('the pod security of the namespace is looked at', () => {
    for (const level of ['baseline', 'restricted'])
      assert.match(notes({ level }), new RegExp(`enforces the pod security level ${level}.*=privileged`));
    assert.doesNotMatch(notes({ level: 'privileged' }), /enforces/);
    assert.match(notes({ level: undefined }), /could not be seen/);
  });
  it('a pod with a user of its own needs another one', () => {
    const own = {
      ...pod,
      containers: [container('app', 'a', { user: 1000 }), container('istio-proxy', 'x', { user: 1337 })],
    };
    assert.match(notes({ pod: own }), /runs as user 1000.*--custom=root\.json/);
  });
  it('a pod without a proxy has no gdb', () =>
    assert.throws(() => lineOf('gdb', { pod: workloadPod('a', false) }), /has no proxy/));
});

describe('a version of Kubernetes', () => {
  it('is read with what providers add', () =>
    assert.deepEqual(
      ['32', '32+', '', undefined, 7].map((minor) => minorOf({ minor })),
      [32, 32, null, null, null],
    ));
});

describe('debug, through the real kubectl', async () => {
  const pages = new Map<string, Page>([
    [`bookinfo/${PRODUCTPAGE}:15000/config_dump`, json(page('config_dump.json'))],
    [`bookinfo/${PRODUCTPAGE}:15000/clusters`, text(CLUSTERS)],
    [`istio-system/${ISTIOD}:15014/debug/syncz`, json('[]')],
    [
      `istio-system/${ISTIOD}:15014/debug/adsz`,
      json('{"clients":[{"x":"\\u001b[31m\\u202e","k\\u202e":"a\\nb\\tc"}]}'),
    ],
  ]);
  const use = async (
    test: (debug: (...words: string[]) => ReturnType<typeof ran>, requests: readonly string[]) => Promise<void>,
  ): Promise<void> => {
    const waiting = productpageObject({ ready: false }, 'waiting-1');
    const pending = { ...waiting, status: { ...waiting.status, phase: 'Pending' } };
    const standIn = await startStandIn({ ...modernMesh(istiodObject(), productpageObject(), pending), pages });
    try {
      await test((...words) => ran(['debug', ...words], { env: { KUBECONFIG: standIn.kubeconfig } }), standIn.requests);
    } finally {
      await standIn.close();
    }
  };
  const at = `bookinfo/${PRODUCTPAGE}`;

  it('prints tables as istioctl does', () =>
    use(async (debug) => {
      const clusters = await debug('proxy-config', 'clusters', at);
      assert.equal(clusters.code, 0, clusters.stderr);
      assert.match(clusters.stdout, /^SERVICE FQDN +PORT +SUBSET +DIRECTION +TYPE +DESTINATION RULE$/m);
      assert.match(clusters.stdout, /^productpage\.bookinfo\.svc\.cluster\.local +9080 +- +outbound +EDS$/m);
      assert.match(
        (await debug('proxy-config', 'listener', at)).stdout,
        /^0\.0\.0\.0 +9080 +Trans: raw_buffer; App: http\/1\.1,h2c +Route: 9080$/m,
      );
      assert.match(
        (await debug('proxy-config', 'routes', at)).stdout,
        /^9080 +productpage\..* +\/\* +bookinfo\/productpage$/m,
      );
      assert.match(
        (await debug('proxy-config', 'endpoints', at)).stdout,
        /^\[fd00::5\]:9080 +UNHEALTHY +FAILED +outbound\|9080\|\|reviews/m,
      );
    }));

  it('prints the same as JSON', () =>
    use(async (debug) => {
      const { stdout } = await debug('proxy-config', 'clusters', at, '-o', 'json');
      const { pod, clusters } = JSON.parse(stdout) as { pod: string; clusters: unknown };
      assert.deepEqual([pod, clusters], [at, dumpIn(page('config_dump.json'))?.clusters]);
      for (const words of [
        ['proxy-config', 'clusters', at],
        ['pilot', 'registry'],
        ['tcpdump', at],
      ]) {
        const [inJson, inYaml] = [await debug(...words, '-o', 'json'), await debug(...words, '-o', 'yaml')];
        assert.deepEqual(parse(inYaml.stdout), JSON.parse(inJson.stdout));
      }
      const hostile = (await debug('pilot', 'ads', '-o', 'yaml')).stdout;
      assert.ok(!hostile.includes('\x1b') && !hostile.includes('\u202e'));
      // Lines and tabs are data.
      const { replicas } = parse(hostile) as { replicas: { page: { clients: unknown[] } }[] };
      assert.deepEqual(replicas[0]?.page.clients[0], { x: '\x1b[31m\\u{202e}', 'k\\u{202e}': 'a\nb\tc' });
    }));

  it('prints its tables without the names of columns', () =>
    use(async (debug) => {
      for (const kind of ['clusters', 'listeners', 'routes', 'endpoints']) {
        const [head, ...lines] = (await debug('proxy-config', kind, at)).stdout.split('\n');
        assert.match(head ?? '', /^[A-Z ]+$/);
        const bare = (await debug('proxy-config', kind, at, '--no-headers')).stdout.split('\n');
        assert.deepEqual(
          bare.map((line) => line.split(/ {2,}/)),
          lines.map((line) => line.split(/ {2,}/)),
        );
      }
    }));

  it('prints pages of Pilot, and obeys nothing in them', () =>
    use(async (debug) => {
      const { stdout, code } = await debug('pilot', 'ads');
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^# istio-system/${ISTIOD}$`, 'm'));
      assert.ok(!stdout.includes('\x1b') && !stdout.includes('\u202e'));
      assert.equal((await debug('sync')).stdout, 'No proxy is connected to a replica that answered.\n');
    }));

  const wrong: readonly [readonly string[], number, RegExp][] = [
    [[], 2, /debug takes one of proxy-config, sync/],
    [['prxy-config'], 2, /did you mean proxy-config\?/],
    [['proxy-config'], 2, /takes one of clusters, listeners, routes, endpoints, bootstrap/],
    [['proxy-config', 'clusters'], 2, /name a pod/],
    [['proxy-config', 'clusters', 'bookinfo/nobody'], 2, /there is no pod nobody in namespace bookinfo/],
    [['proxy-config', 'clusters', `istio-system/${ISTIOD}`], 2, /has no proxy/],
    [['proxy-config', 'clusters', 'bookinfo/waiting-1'], 2, /is Pending, not running/],
    [['proxy-config', 'clusters', '../../secrets'], 2, /debug takes POD, NAMESPACE\/POD or KIND\/NAME/],
    [['proxy-config', 'bootstrap', at, '--execute'], 2, /--execute is for tcpdump and gdb/],
    [['pilot', 'quitquitquit'], 2, /takes one of ads, eds, registry/],
    [['tcpdump'], 2, /name a pod/],
    [['diff', at], 2, /no replica of Pilot is connected to bookinfo\/productpage/],
    [['sync', 'a', 'b'], 2, /debug sync takes no word "b"/],
  ];
  for (const [words, code, says] of wrong) {
    it(`debug ${words.join(' ')} is one clear line`, () =>
      use(async (debug) => {
        const ended = await debug(...words);
        assert.equal(ended.stdout, '');
        assert.match(ended.stderr, says);
        assert.match(ended.stderr, /^error: [^\n]+\n$/);
        assert.equal(ended.code, code);
      }));
  }

  it('prints the line of tcpdump for the cluster that is named, and adds nothing to it', () =>
    use(async (debug, requests) => {
      const { stdout, code } = await debug('tcpdump', at, '--context', 'recorded', '--token', 'S0S');
      assert.equal(code, 0);
      assert.match(
        stdout,
        /^# This adds a container to pod [\s\S]*\nkubectl debug -n bookinfo .* --profile=netadmin .*--context=recorded -- tcpdump .*\n$/,
      );
      assert.ok(!stdout.includes('S0S'));
      assert.deepEqual(
        requests.filter((each) => /ephemeralcontainers|attach|PATCH|POST/.test(each)),
        [],
      );
    }));

  it('says that nobody answered, and not that nobody is connected', () =>
    use(async (debug) => {
      const { stdout, stderr, code } = await debug('sync', '-n', 'bookinfo', '--bundle', 'test/bundles/demo.tar.gz');
      assert.equal(code, 3, stderr);
      assert.equal(stdout, 'No replica of Pilot answered.\n');
      const { stdout: json } = await debug('sync', '-o', 'json', '--bundle', 'test/bundles/demo.tar.gz');
      assert.equal((JSON.parse(json) as { missing: unknown[] }).missing.length > 0, true);
    }));

  it('shows the proxies of a namespace only', () =>
    use(async (debug) => {
      assert.match((await debug('sync', '-n', 'elsewhere')).stdout, /^No proxy of namespace elsewhere is connected/);
      assert.equal((await debug('sync', '-n', '')).stdout, (await debug('sync')).stdout);
      assert.equal(
        (await debug('proxy-config', 'routes', 'nobody', '-n', '')).stderr,
        (await debug('proxy-config', 'routes', 'nobody')).stderr,
      );
    }));

  it('keeps its questions in a bundle, and answers from it, also where it fails', () =>
    use(async (debug) => {
      const folder = mkdtempSync(join(tmpdir(), 'debug-'));
      try {
        const [good, bad] = [join(folder, 'good.tgz'), join(folder, 'bad.tgz')];
        const live = await debug('proxy-config', 'routes', at, '--save-bundle', good);
        const replayed = await debug('proxy-config', 'routes', at, '--bundle', good);
        assert.deepEqual([replayed.code, replayed.stdout], [0, live.stdout]);
        assert.equal((await debug('diff', at, '--save-bundle', bad)).code, 2);
        assert.match((await debug('diff', at, '--bundle', bad)).stderr, /no replica of Pilot is connected/);
        assert.equal((await debug('tcpdump', at, '--save-bundle', join(folder, 'line.tgz'))).code, 0);
        assert.ok(existsSync(join(folder, 'line.tgz')));
        assert.equal((await debug('sync', '--save-bundle', join(folder, 'none', 'x.tgz'))).code, 2);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }));

  it('prints 7-bit characters only where it is asked to', () =>
    use(async (debug) => {
      const { stdout } = await debug('tcpdump', at, '--ascii');
      assert.match(stdout, /^[\x20-\x7e\n]+$/);
    }));
});
