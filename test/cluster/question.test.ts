import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiPath, commandOf, keyOf, type Question, rightOf } from '../../src/cluster/question/question.ts';
import { assertReadOnly } from '../../src/cluster/question/read-only.ts';
import { configMaps, pods, rules, services } from '../../src/cluster/question/resources.ts';
import { shellWord } from '../../src/cluster/question/shell.ts';

const page = (path: string, port = 15000): Question => ({
  ask: 'page',
  namespace: 'bookinfo',
  pod: 'reviews-1',
  port,
  path,
});

describe('a question', () => {
  const cases: readonly [Question, string, string | null, string][] = [
    [
      { ask: 'list', resource: rules, namespace: null },
      'kubectl get rules.config.istio.io --all-namespaces',
      '/apis/config.istio.io/v1alpha2/rules',
      'list rules.config.istio.io null',
    ],
    [
      { ask: 'list', resource: pods, namespace: 'a', selector: 'app=x,tier!=y' },
      "kubectl -n a get pods -l 'app=x,tier!=y'",
      '/api/v1/namespaces/a/pods',
      'list pods a',
    ],
    [
      { ask: 'object', resource: configMaps, namespace: 'istio-system', name: 'istio' },
      'kubectl -n istio-system get configmaps istio -o yaml',
      '/api/v1/namespaces/istio-system/configmaps/istio',
      'get configmaps istio-system',
    ],
    [
      { ask: 'log', namespace: 'a', pod: 'b', container: 'mixer', part: { tailLines: 5 } },
      'kubectl -n a logs b -c mixer --tail=5',
      '/api/v1/namespaces/a/pods/b/log',
      'get pods/log a',
    ],
    [
      { ask: 'log', namespace: 'a', pod: 'b', container: 'mixer', part: { limitBytes: 9 } },
      'kubectl -n a logs b -c mixer --limit-bytes=9',
      '/api/v1/namespaces/a/pods/b/log',
      'get pods/log a',
    ],
    [
      { ask: 'log', namespace: 'a', pod: 'b', container: 'istio-proxy', part: { tailLines: 5 }, previous: true },
      'kubectl -n a logs b -c istio-proxy --tail=5 --previous',
      '/api/v1/namespaces/a/pods/b/log',
      'get pods/log a',
    ],
    [
      page('/metrics', 9093),
      'kubectl -n bookinfo port-forward reviews-1 9093 & sleep 1; curl -s localhost:9093/metrics',
      null,
      'create pods/portforward bookinfo',
    ],
    [{ ask: 'discovery', path: '/version' }, 'kubectl get --raw /version', '/version', 'get /version null'],
    [
      { ask: 'url', url: 'http://prom:9090/api/v1/status/config' },
      'curl -s http://prom:9090/api/v1/status/config',
      null,
      'get http://prom:9090/api/v1/status/config null',
    ],
  ];
  for (const [question, command, path, right] of cases) {
    it(`is typed as ${command}`, () => {
      const { verb, resource, namespace } = rightOf(question);
      assert.equal(commandOf(question).replace('kubectl get pods -n a', 'kubectl -n a get pods'), command);
      assert.equal(apiPath(question), path);
      assert.equal(`${verb} ${resource} ${namespace}`, right);
      assertReadOnly(question);
    });
  }

  it('has a key of its own', () => {
    const keys = [
      ...cases.map(([question]) => keyOf(question)),
      keyOf({ ...page('/metrics', 9093), reading: 2 } as Question),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });

  it('never becomes a command: names are quoted', () => {
    assert.equal(shellWord('$(rm -rf ~)'), "'$(rm -rf ~)'");
    assert.equal(shellWord("it's"), `'it'\\''s'`);
    assert.equal(shellWord('istio-telemetry-1'), 'istio-telemetry-1');
  });
});

describe('what only reads', () => {
  const named = (path: string, port = 8080): Question => ({
    ask: 'page',
    byName: true,
    namespace: 'a',
    pod: 'b',
    port,
    path,
  });
  for (const path of [
    '/actuator/prometheus',
    '/custom/metrics?format=prometheus',
    '/stats/prometheus',
    '/debug/vars',
  ]) {
    it(`reads ${path}, which a person named`, () => assertReadOnly(named(path)));
  }
  const refused: readonly [string, Question][] = [
    ['a path that nobody named', page('/actuator/prometheus')],
    ['a named path of Envoy’s admin port', named('/custom/metrics', 15000)],
    ...[
      '/quitquitquit',
      '/-/reload',
      '/actuator/shutdown',
      '/logging?level=debug',
      '/debug/adsz?push=true',
      '/debug/force_disconnect?proxyID=x',
      '/a/../quit',
      '/%71uitquitquit',
      '/healthcheck/fail',
      'metrics',
      '/a b',
    ].map((path): [string, Question] => [`${path}, though a person named it`, named(path)]),
    ['Envoy’s /quitquitquit, which 0.8 obeys on GET', page('/quitquitquit')],
    ['Envoy’s /logging', page('/logging?level=debug')],
    ['a path that only begins well', page('/metrics/../quitquitquit')],
    ['a mutation hidden in a query', page('/stats?x=/quitquitquit')],
    ['a query that is two', page('/api/v1/query?query=up&query=quit')],
    ['Prometheus’ admin API', page('/api/v1/admin/tsdb/snapshot')],
    ['a port that is none', page('/metrics', 0)],
    ['a pod whose name is a path', { ask: 'page', namespace: 'a', pod: '../../secrets', port: 80, path: '/metrics' }],
    ['a pod whose name is a flag', { ask: 'page', namespace: 'a', pod: '--kubeconfig=x', port: 80, path: '/metrics' }],
    ['secrets', { ask: 'list', resource: { group: '', version: 'v1', plural: 'secrets' }, namespace: null }],
    ['all ConfigMaps', { ask: 'list', resource: configMaps, namespace: 'a' }],
    [
      'a Secret',
      { ask: 'object', resource: { group: '', version: 'v1', plural: 'secrets' }, namespace: 'a', name: 'x' },
    ],
    [
      'a program that is none of ours',
      { ask: 'exec', namespace: 'a', pod: 'b', container: 'c', run: 'rm' as 'descriptors' },
    ],
    [
      'a program by a name of every object',
      { ask: 'exec', namespace: 'a', pod: 'b', container: 'c', run: 'toString' as 'descriptors' },
    ],
    [
      'a program in a pod whose name is a flag',
      { ask: 'exec', namespace: 'a', pod: '--x', container: 'c', run: 'descriptors' },
    ],
    ['a dump with another query', page('/config_dump?resource=x&mask=/quitquitquit')],
    ['another proxy’s dump by a path', page('/debug/config_dump?proxyID=../quit')],
    ['Pilot’s push', page('/debug/adsz?push=true', 15014)],
    ['a namespace that climbs', { ask: 'object', resource: services, namespace: '..', name: 'x' }],
    [
      'a log of a container that is a path',
      { ask: 'log', namespace: 'a', pod: 'b', container: '../x', part: { tailLines: 1 } },
    ],
    ['exec', { ask: 'discovery', path: '/apis/x/exec' }],
    ['another page of a URL', { ask: 'url', url: 'http://prom/api/v1/admin/tsdb/delete_series' }],
  ];
  for (const [what, question] of refused) {
    it(`does not ask for ${what}`, () => {
      assert.throws(() => assertReadOnly(question), /^DiagError: refused: /);
    });
  }
});
