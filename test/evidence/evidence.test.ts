import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { yamlIn } from '../../src/cluster/question/yaml.ts';
import { releaseOf } from '../../src/evidence/istio/detection.ts';
import { refusalIn } from '../../src/evidence/istio/sync.ts';
import { meshConfigIn } from '../../src/evidence/kubernetes/config-maps.ts';
import { readingOf } from '../../src/evidence/mixer/dialects.ts';
import { meaningfulLines } from '../../src/evidence/mixer/log.ts';
import { flagsOf } from '../../src/evidence/mixer/pods.ts';
import { type MixerReading, readingWants } from '../../src/evidence/mixer/reading.ts';
import { keysOf } from '../../src/evidence/mixer/references.ts';
import { scrapeJobsIn, scrapesAdapter } from '../../src/evidence/prometheus/scrape-config.ts';
import { isAtLeast } from '../../src/istio/release.ts';
import { Metrics } from '../../src/prometheus/metrics.ts';
import { PageReader } from '../../src/prometheus/page-reader.ts';
import { container, pod } from '../support/mixer.ts';
import { loadRecording } from '../support/recordings.ts';

function readingIn(page: string): MixerReading | null {
  const metrics = new Metrics();
  const reader = new PageReader(readingWants, metrics.add);
  reader.push(Buffer.from(page));
  reader.end();
  return readingOf(metrics);
}

const recorded = (name: string): MixerReading | null => {
  const page = [...loadRecording(name).pages].find(([key]) => /istio-telemetry.*:(9093|15014)\/metrics$/.test(key))?.[1]
    .body;
  return readingIn(String(page));
};

describe('a Mixer’s page about itself', () => {
  const dialects: readonly [string, string, string, number | null][] = [
    ['istio-0.8.0/healthy', 'A', '0.6 - 0.8', 2],
    ['istio-1.0.6/healthy', 'A', '1.0', 1],
    ['istio-1.1.0/healthy', 'B', '1.1', 1],
    ['istio-1.3.8/healthy', 'C', '1.2 - 1.7', null],
  ];
  for (const [name, dialect, releases, configId] of dialects) {
    it(`${name} speaks dialect ${dialect}`, () => {
      const reading = recorded(name);
      assert.deepEqual(
        [reading?.dialect, reading?.releases, reading?.configId, reading?.configLoaded],
        [dialect, releases, configId, true],
      );
      assert.deepEqual(
        [reading?.reports.total, reading?.reports.ok, reading?.dispatches.ok, reading?.requestsWithInstances],
        [160, 160, 160, 160],
      );
      assert.ok(Object.values(reading?.errors ?? {}).every(({ count }) => count === null || count === 0));
    });
  }

  it('tells that a call was made from that it was accepted', () => {
    const reading = recorded('istio-0.8.0/dispatch-errors');
    assert.deepEqual(
      [reading?.reports.total, reading?.reports.ok, reading?.reports.byCode],
      [160, 0, { InvalidArgument: 160 }],
    );
  });

  it('has a match error where one was made, and none of instances', () => {
    for (const name of ['istio-1.0.6/rule-match-error', 'istio-1.3.8/rule-match-error']) {
      const reading = recorded(name);
      assert.deepEqual(
        [
          reading?.errors.match.count,
          reading?.errors.rule.count,
          reading?.errors.instance.count,
          reading?.requestsWithInstances,
        ],
        [1, 1, 0, 0],
      );
    }
  });

  it('is judged at its newest configID, by number: old errors are cured', () => {
    const reading = readingIn(
      'mixer_config_attribute_count{configID="9"} 1\nmixer_config_attribute_count{configID="10"} 103\n' +
        'mixer_config_rule_config_count{configID="9"} 4\nmixer_config_rule_config_count{configID="10"} 4\n' +
        'mixer_config_rule_config_error_count{configID="9"} 7\nmixer_config_rule_config_error_count{configID="10"} 0\n',
    );
    assert.deepEqual([reading?.configId, reading?.errors.rule.count], [10, 0]);
  });

  it('of 1.1 has no error series when there is no error', () => {
    const reading = readingIn(
      'mixer_config_attributes_total{configID="2"} 112\nmixer_config_rule_config_match_error_total{configID="1"} 1\n',
    );
    assert.deepEqual([reading?.dialect, reading?.configId, reading?.errors.match.count], ['B', 2, 0]);
  });

  it('of the old runtime has resolutions and no configuration (recorded in 0.5)', () => {
    const reading = readingIn(
      'grpc_server_handled_total{grpc_code="OK",grpc_method="Report",grpc_service="istio.mixer.v1.Mixer",grpc_type="unary"} 1796\n' +
        'mixer_adapter_dispatch_count{adapter="prometheus",error="false",handler="handler.prometheus.istio-system",meshFunction="metric",response_code="OK"} 21782\n' +
        'mixer_config_resolve_count{error="false",target="details.default.svc.cluster.local"} 1384\n',
    );
    assert.deepEqual(
      [
        reading?.dialect,
        reading?.reports.ok,
        reading?.dispatches.ok,
        reading?.resolutions?.length,
        reading?.errors.rule.count,
      ],
      ['O', 1796, 21782, 1, null],
    );
  });

  it('is none without any metric of Mixer', () => assert.equal(readingIn('go_goroutines 5\n'), null));
});

describe('a release', () => {
  const images: readonly [string, string | null][] = [
    ['docker.io/istio/mixer:1.0.6', '1.0.6'],
    ['gcr.io/x/mixer:1.1.13-gke.0', '1.1.13'],
    ['gcr.io/istio-release/mixer:release-1.1-latest-daily', '1.1'],
    ['localhost:5000/istio/mixer:latest', null],
    ['istio/mixer@sha256:abc', null],
    ['istio/mixer', null],
  ];
  for (const [image, release] of images) it(`of ${image} is ${release}`, () => assert.equal(releaseOf(image), release));
  it('is compared by number', () => {
    assert.deepEqual(
      [isAtLeast('1.10.2', '1.5'), isAtLeast('1.4.9', '1.5'), isAtLeast('0.8.0', '1.0'), isAtLeast('1.5', '1.5')],
      [true, false, false, true],
    );
  });
});

describe('a reference of a rule', () => {
  const cases: readonly [string, 'handler' | 'instance', readonly string[]][] = [
    ['handler.prometheus', 'handler', ['handler.prometheus.ns', 'handler.handler.prometheus']],
    ['prometheus', 'handler', ['prometheus.handler.ns']],
    ['requestcount.metric', 'instance', ['requestcount.metric.ns', 'requestcount.instance.metric']],
    ['prometheus.istio-system', 'handler', ['prometheus.istio-system.ns', 'prometheus.handler.istio-system']],
    ['a.b.c', 'instance', ['a.b.c']],
  ];
  for (const [reference, kind, keys] of cases)
    it(`${reference} may mean ${keys.join(' or ')}`, () => assert.deepEqual(keysOf(reference, kind, 'ns'), keys));
});

describe('Mixer’s arguments', () => {
  const withArgs = (...args: string[]) => pod({ containers: [container('mixer', 'x', { args })] });
  const plane = { namespace: 'istio-system', version: '1.3.8' };
  it('are read in both spellings', () => {
    const flags = flagsOf(
      withArgs(
        '--monitoringPort',
        '9999',
        '--configDefaultNamespace=config',
        '--useAdapterCRDs=false',
        '--configStoreURL=mcp://galley:9901',
      ),
      plane,
    );
    assert.deepEqual(flags, {
      monitoringPort: 9999,
      configDefaultNamespace: 'config',
      useAdapterCRDs: false,
      useTemplateCRDs: true,
      fromGalley: true,
    });
  });
  it('are the release’s own when they are not given', () => {
    assert.equal(flagsOf(withArgs(), plane).monitoringPort, 15014);
    assert.equal(flagsOf(withArgs(), { namespace: 'x', version: '1.0.6' }).monitoringPort, 9093);
    assert.equal(flagsOf(undefined, { namespace: null, version: null }).configDefaultNamespace, 'istio-system');
  });
});

describe('Mixer’s log', () => {
  it('is read for the lines that mean something, each once, without its access log', () => {
    const line = "2026-11-22T01:36:24.856984Z\terror\tHandler not found: handler='handler.prometheus'";
    const lines = meaningfulLines([
      `${line}\n{"level":"info","x":"Handler not found: handler='"}\nnothing\n`,
      `${line}\n2026-11-22T01:37:00Z\terror\tHandler not found: handler='handler.prometheus'\n`,
    ]);
    assert.deepEqual(
      lines.map(({ meaning, times }) => [meaning, times]),
      [['HandlerMissing', 2]],
    );
  });
  it('of 1.2 and later lists errors in lines of their own', () => {
    const lines = meaningfulLines([
      "2026Z\terror\t2 errors occurred:\n\t* action='a': Handler not found: handler='prometheus'\n\t* rule=a: No valid actions found in rule\n",
    ]);
    assert.deepEqual(
      lines.map(({ meaning }) => meaning),
      ['HandlerMissing', 'RuleDropped'],
    );
  });
});

describe('a scrape job for Mixer’s adapter', () => {
  it('is found by what it keeps, by its target or by its name', async () => {
    const jobs = await scrapeJobsIn(
      'scrape_configs:\n- job_name: mesh\n  kubernetes_sd_configs: [{role: endpoints}]\n  relabel_configs:\n  - {action: keep, regex: istio-system;istio-telemetry;prometheus}\n' +
        '- job_name: guide\n  static_configs: [{targets: ["istio-mixer.istio-system:42422"]}]\n- job_name: istio-mesh\n- job_name: istio-telemetry\n  relabel_configs:\n  - {action: keep, regex: istio-telemetry;http-monitoring}\n',
    );
    assert.deepEqual(jobs.map(scrapesAdapter), [true, true, true, false]);
    assert.deepEqual(await scrapeJobsIn(''), []);
  });
  it('is found where it is merged into the job, as Go reads YAML', async () => {
    const [, merged] = await scrapeJobsIn(
      'scrape_configs:\n- &mixer {job_name: a, static_configs: [{targets: ["istio-mixer.istio-system:42422"]}]}\n- <<: *mixer\n  job_name: b\n',
    );
    assert.deepEqual([merged?.name, merged && scrapesAdapter(merged)], ['b', true]);
  });
});

describe('MeshConfig', () => {
  const read = async (text: string) => meshConfigIn(await yamlIn(text));
  const TRACED = {
    zipkin: 'defaultConfig: {tracing: {sampling: 5, zipkin: {address: "zipkin:9411"}}}',
    old: 'zipkinAddress: "zipkin:9411"\ndefaultConfig: {tracing: {sampling: "5"}}',
    provider: 'defaultConfig: {tracing: {sampling: 5}}\nextensionProviders: [{name: "zipkin:9411", zipkin: {port: 1}}]',
  };
  for (const [by, text] of Object.entries(TRACED))
    it(`tells where spans go, and how many: ${by}`, async () => {
      const { tracer, sampling } = await read(text);
      assert.deepEqual([tracer, sampling], ['zipkin:9411', 5]);
    });
  it('is read whatever its shape', async () => {
    const nothing = await read('');
    for (const odd of [
      '[]',
      'text',
      'extensionProviders: {zipkin: {}}',
      'extensionProviders: [null, text, {zipkin: null, name: 7}]',
      'defaultConfig: text',
      'defaultConfig: {tracing: [1], zipkinAddress: 7}',
      'defaultConfig: {tracing: {zipkin: text, sampling: many}}',
      'defaultServiceExportTo: "."\ndefaultVirtualServiceExportTo: [null, 7]\ndefaultDestinationRuleExportTo: {a: b}',
      'rootNamespace: {}\ndiscoverySelectors: {a: b}\nenableTracing: perhaps\nmixerReportServer: [1]',
    ])
      assert.deepEqual(await read(odd), nothing, odd);
  });
});

describe('what a proxy says of what it refuses', () => {
  const dump = [
    'goo.gle/debugproto  ',
    'name: "9080"',
    ...['ratings', 'reviews'].flatMap((name) => ['virtual_hosts {', `  name: "${name}:9080"`, '}']),
  ].join('\n');
  it('is told without the resource itself, by its name and the virtual host’s', () => {
    const chain =
      'Proto constraint validation failed (RouteConfigurationValidationError.VirtualHosts[1]: embedded message failed validation | caused by WeightedClusterValidationError.Clusters: value must contain at least 1 item(s))';
    assert.equal(
      refusalIn(`${dump}\n: ${chain}`),
      '9080: reviews:9080: WeightedClusterValidationError.Clusters: value must contain at least 1 item(s)',
    );
    assert.equal(refusalIn(`${dump}\n: no such thing`), '9080: no such thing');
  });
  it('stays what it is where it is short', () => {
    assert.equal(refusalIn(' Error adding/updating listener(s) x: y\n'), 'Error adding/updating listener(s) x: y');
  });
});
