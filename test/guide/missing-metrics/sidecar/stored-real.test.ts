import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Finding } from '../../../../src/diagnosis/finding.ts';
import { stored } from '../../../../src/guide/missing-metrics/sidecar/stored.ts';
import { findingsOn } from '../../../support/mesh/found.ts';
import type { ScrapePlan } from '../../../support/mesh/plan.ts';
import { it } from '../../../support/programs.ts';

type Findings = ReadonlyMap<string, Finding>;

/** What is not well. */
const said = (findings: Findings): Record<string, string> =>
  Object.fromEntries(
    [...findings].flatMap(([id, { status, reason }]) => (reason === null ? [] : [[id, `${status} ${reason}`]])),
  );

const messageOf = (findings: Findings, id: string): string => findings.get(id)?.message ?? '';

const relabelled =
  (...rules: readonly object[]) =>
  (plan: ScrapePlan): ScrapePlan => ({ ...plan, jobs: { 'kubernetes-pods': { metric_relabel_configs: rules } } });

const STORE = 'pod istio-system/prometheus-69f0190e5e-05cd6';

describe('what a real Prometheus stores of a mesh', { concurrency: 16 }, () => {
  it('is whole of a healthy one', async () => {
    const findings = await findingsOn(stored, {});
    assert.deepEqual(said(findings), {});
    assert.equal(messageOf(findings, 'proxies-stored'), `10 of 10 proxies in ${STORE}`);
  });

  it('is no traffic of an idle one', async () => {
    const findings = await findingsOn(stored, { mesh: 'idle-1.31' });
    assert.deepEqual(said(findings), { 'proxies-stored': 'unknown NoTraffic' });
  });

  it('is one series of several proxies, where rules drop the labels that tell them apart', async () => {
    const findings = await findingsOn(stored, {
      scrapes: 6,
      plan: relabelled({ action: 'labelkeep', regex: '(__name__|component|destination_service|response_code|le)' }),
    });
    const merged = findings.get('proxies-told-apart');
    assert.deepEqual(merged && [merged.status, merged.reason, merged.effect], ['fail', 'ProxiesMerged', 'wrong']);
    assert.match(
      merged?.message ?? '',
      /^10 of 10 proxies write into 1 series \{\}, whose counters fall at \d+% of their samples$/,
    );
    assert.deepEqual(said(findings)['proxies-stored'], 'unknown PodsNotTold');
  });

  it('is there twice for a pod that two jobs scrape, and once for the others', async () => {
    const findings = await findingsOn(stored, {
      plan: (plan) => ({
        ...plan,
        targets: plan.targets.flatMap((each) =>
          each.labels.app === 'details' ? [each, { ...each, job: 'envoy-stats' }] : [each],
        ),
      }),
    });
    assert.deepEqual(said(findings), { 'scraped-once': 'fail StoredTwice' });
    assert.match(messageOf(findings, 'scraped-once'), /^1 of 10 proxies stored 2 times/);
  });

  it('has stopped, where the newest samples are half an hour old', async () => {
    const findings = await findingsOn(stored, {
      pages: (page) => page.replace(/^(istio_\w+\{.*\} \S+)$/gm, `$1 ${Date.now() - 40 * 60_000}`),
    });
    assert.equal(said(findings)['samples-fresh'], 'fail SamplesStopped');
    assert.match(messageOf(findings, 'samples-fresh'), / is 4\d minutes old$/);
    assert.equal(said(findings)['proxies-stored'], 'fail ProxiesNotStored');
  });

  it('is under another name, where a tag ends up in it', async () => {
    const findings = await findingsOn(stored, {
      plan: relabelled({
        source_labels: ['__name__', 'app'],
        regex: 'istio_requests_total;reviews',
        target_label: '__name__',
        replacement: 'request_host___istio_requests_total',
      }),
    });
    assert.deepEqual(said(findings)['names-kept'], 'fail SeriesRenamed');
    assert.match(
      messageOf(findings, 'names-kept'),
      /^requests of 4 of 10 proxies are stored as request_host___istio_requests_total$/,
    );
  });

  it('is sums alone, in a store behind another', async () => {
    const findings = await findingsOn(stored, {
      plan: (plan) => ({
        ...relabelled(
          {
            source_labels: ['__name__'],
            regex: 'istio_requests_total',
            target_label: '__name__',
            replacement: 'workload:istio_requests_total',
          },
          { source_labels: ['__name__'], regex: 'istio_.*', action: 'drop' },
        )(plan),
      }),
    });
    assert.equal(said(findings)['names-kept'], 'fail OnlyRecorded');
  });

  it('is one side only, where a workload’s own proxy does not count what its callers count', async () => {
    const given = {
      plan: relabelled({ source_labels: ['app', 'reporter'], regex: 'details;destination', action: 'drop' }),
    };
    const [findings, named] = await Promise.all([
      findingsOn(stored, given),
      findingsOn(stored, {
        ...given,
        scope: { workload: { kind: 'deployment', name: 'details-v1', namespace: 'bookinfo' } },
      }),
    ]);
    assert.deepEqual(said(findings), { 'both-sides-report': 'warn ServerSideMissing' });
    assert.deepEqual(
      findings.get('both-sides-report')?.subjects?.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`),
      ['Deployment bookinfo/details-v1'],
    );
    assert.equal(said(named)['both-sides-report'], 'fail ServerSideMissing');
  });

  it('names no callers, where metadata is lost', async () => {
    const findings = await findingsOn(stored, {
      plan: relabelled({
        source_labels: ['reporter'],
        regex: 'destination',
        target_label: 'source_workload',
        replacement: 'unknown',
      }),
    });
    assert.deepEqual(said(findings), { 'callers-known': 'fail MostCallersUnknown' });
    // Two queries, of which the store may answer one a moment later: then the rates differ by a little.
    assert.match(messageOf(findings, 'callers-known'), /^(100|99)% of .* come from unknown callers, by mutual TLS/);
  });

  it('passes some through', async () => {
    const findings = await findingsOn(stored, {
      plan: relabelled(
        {
          source_labels: ['reporter', 'destination_workload'],
          regex: 'source;ratings-v1',
          target_label: 'destination_service_name',
          replacement: 'PassthroughCluster',
        },
        {
          source_labels: ['destination_service_name'],
          regex: 'PassthroughCluster',
          target_label: 'destination_workload',
          replacement: 'unknown',
        },
      ),
    });
    assert.deepEqual(said(findings), { 'destinations-known': 'warn PassedThrough' });
  });

  it('is counted for another Service that has the same port', async () => {
    const findings = await findingsOn(stored, {
      objects: (objects) => [
        ...objects,
        ...objects
          .filter(({ kind, metadata }) => kind === 'Service' && metadata.name === 'details')
          .map((each) => ({ ...each, metadata: { ...each.metadata, name: 'details-canary' } })),
      ],
      plan: relabelled({
        source_labels: ['reporter', 'destination_service_name'],
        regex: 'source;details',
        target_label: 'destination_service_name',
        replacement: 'details-canary',
      }),
    });
    assert.deepEqual(said(findings), { 'services-told-apart': 'warn CountedForOtherService' });
    assert.match(messageOf(findings, 'services-told-apart'), /bookinfo\/details-canary is counted as details$/);
  });

  it('is not known, where the answer is a part of it', async () => {
    const findings = await findingsOn(stored, {
      others: [
        {
          match: /api\/v1\/query/,
          status: 200,
          body: '{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["a store is down"]}',
        },
      ],
    });
    assert.ok(
      [...findings].every(([id, { status }]) => id === 'rules-keep-metrics' || status !== 'pass'),
      JSON.stringify(said(findings)),
    );
    assert.equal(said(findings)['proxies-stored'], 'unknown PartialAnswer');
  });

  it('lacks what a rule of the job leaves out, though TCP is there', async () => {
    const findings = await findingsOn(stored, {
      plan: (plan) => ({
        ...relabelled({ source_labels: ['__name__'], regex: 'istio_request.*', action: 'drop' })(plan),
        configuration:
          "scrape_configs: [{job_name: kubernetes-pods, metric_relabel_configs: [{source_labels: [__name__], regex: 'istio_request.*', action: drop}]}]",
      }),
    });
    assert.equal(said(findings)['rules-keep-metrics'], 'fail RequestsDropped');
    assert.match(
      messageOf(findings, 'rules-keep-metrics'),
      /^job kubernetes-pods leaves out istio_requests_total and istio_request_duration_milliseconds_bucket of 10 of 10 proxies$/,
    );
  });
});
