import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Verdict } from '../../../../src/diagnosis/check.ts';
import { stored } from '../../../../src/guide/missing-metrics/sidecar/stored.ts';
import type { ScrapePlan } from '../../../support/mesh/plan.ts';
import { verdictsOn } from '../../../support/mesh/verdicts.ts';
import { it } from '../../../support/programs.ts';

type Verdicts = ReadonlyMap<string, Verdict>;

/** What is not well. */
const said = (verdicts: Verdicts): Record<string, string> =>
  Object.fromEntries(
    [...verdicts].flatMap(([id, verdict]) =>
      'reason' in verdict ? [[id, `${verdict.status} ${verdict.reason}`]] : [],
    ),
  );

const messageOf = (verdicts: Verdicts, id: string): string => verdicts.get(id)?.message ?? '';

const relabelled =
  (...rules: readonly object[]) =>
  (plan: ScrapePlan): ScrapePlan => ({ ...plan, jobs: { 'kubernetes-pods': { metric_relabel_configs: rules } } });

const STORE = 'pod istio-system/prometheus-69f0190e5e-05cd6';

describe('what a real Prometheus stores of a mesh', { concurrency: 8 }, () => {
  it('is whole of a healthy one', async () => {
    const { verdicts } = await verdictsOn(stored, {});
    assert.deepEqual(said(verdicts), {});
    assert.equal(messageOf(verdicts, 'proxies-stored'), `10 of 10 proxies in ${STORE}`);
  });

  it('is no traffic of an idle one', async () => {
    const { verdicts } = await verdictsOn(stored, { mesh: 'idle-1.31' });
    assert.deepEqual(said(verdicts), { 'proxies-stored': 'unknown NoTraffic' });
  });

  it('is one series of several proxies, where rules drop the labels that tell them apart', async () => {
    const { verdicts } = await verdictsOn(stored, {
      wait: 5000,
      plan: relabelled({ action: 'labelkeep', regex: '(__name__|component|destination_service|response_code|le)' }),
    });
    const merged = verdicts.get('proxies-told-apart');
    assert.deepEqual(merged && 'effect' in merged && [merged.status, merged.reason, merged.effect], [
      'fail',
      'ProxiesMerged',
      'wrong',
    ]);
    assert.match(
      merged?.message ?? '',
      /^10 of 10 proxies write into 1 series \{\}, whose counters fall at \d+% of their samples$/,
    );
    assert.deepEqual(said(verdicts)['proxies-stored'], 'unknown PodsNotTold');
  });

  it('is there twice for a pod that two jobs scrape, and once for the others', async () => {
    const { verdicts } = await verdictsOn(stored, {
      plan: (plan) => ({
        ...plan,
        targets: plan.targets.flatMap((each) =>
          each.labels.app === 'details' ? [each, { ...each, job: 'envoy-stats' }] : [each],
        ),
      }),
    });
    assert.deepEqual(said(verdicts), { 'scraped-once': 'fail StoredTwice' });
    assert.match(messageOf(verdicts, 'scraped-once'), /^1 of 10 proxies stored 2 times/);
  });

  it('has stopped, where the newest samples are half an hour old', async () => {
    const { verdicts } = await verdictsOn(stored, {
      pages: (page) => page.replace(/^(istio_\w+\{.*\} \S+)$/gm, `$1 ${Date.now() - 40 * 60_000}`),
    });
    assert.equal(said(verdicts)['samples-fresh'], 'fail SamplesStopped');
    assert.match(messageOf(verdicts, 'samples-fresh'), / is 4\d minutes old$/);
    assert.equal(said(verdicts)['proxies-stored'], 'fail ProxiesNotStored');
  });

  it('is under another name, where a tag ends up in it', async () => {
    const { verdicts } = await verdictsOn(stored, {
      plan: relabelled({
        source_labels: ['__name__', 'app'],
        regex: 'istio_requests_total;reviews',
        target_label: '__name__',
        replacement: 'request_host___istio_requests_total',
      }),
    });
    assert.deepEqual(said(verdicts)['names-kept'], 'fail SeriesRenamed');
    assert.match(
      messageOf(verdicts, 'names-kept'),
      /^requests of 4 of 10 proxies are stored as request_host___istio_requests_total$/,
    );
  });

  it('is sums alone, in a store behind another', async () => {
    const { verdicts } = await verdictsOn(stored, {
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
    assert.equal(said(verdicts)['names-kept'], 'fail OnlyRecorded');
  });

  it('is one side only, where a workload’s own proxy does not count what its callers count', async () => {
    const given = {
      plan: relabelled({ source_labels: ['app', 'reporter'], regex: 'details;destination', action: 'drop' }),
    };
    const { verdicts } = await verdictsOn(stored, given);
    assert.deepEqual(said(verdicts), { 'both-sides-report': 'warn ServerSideMissing' });
    assert.deepEqual(
      verdicts.get('both-sides-report')?.subjects?.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`),
      ['Deployment bookinfo/details-v1'],
    );
    const named = await verdictsOn(stored, {
      ...given,
      scope: { workload: { kind: 'deployment', name: 'details-v1', namespace: 'bookinfo' } },
    });
    assert.equal(said(named.verdicts)['both-sides-report'], 'fail ServerSideMissing');
  });

  it('names no callers, where metadata is lost', async () => {
    const { verdicts } = await verdictsOn(stored, {
      plan: relabelled({
        source_labels: ['reporter'],
        regex: 'destination',
        target_label: 'source_workload',
        replacement: 'unknown',
      }),
    });
    assert.deepEqual(said(verdicts), { 'callers-known': 'fail MostCallersUnknown' });
    assert.match(messageOf(verdicts, 'callers-known'), /^100% of .* come from unknown callers, by mutual TLS/);
  });

  it('passes some through', async () => {
    const { verdicts } = await verdictsOn(stored, {
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
    assert.deepEqual(said(verdicts), { 'destinations-known': 'warn PassedThrough' });
  });

  it('is counted for another Service that has the same port', async () => {
    const { verdicts } = await verdictsOn(stored, {
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
    assert.deepEqual(said(verdicts), { 'services-told-apart': 'warn CountedForOtherService' });
    assert.match(messageOf(verdicts, 'services-told-apart'), /bookinfo\/details-canary is counted as details$/);
  });

  it('is not known, where the answer is a part of it', async () => {
    const { verdicts } = await verdictsOn(stored, {
      others: [
        {
          match: /api\/v1\/query/,
          status: 200,
          body: '{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["a store is down"]}',
        },
      ],
    });
    assert.ok(
      [...verdicts].every(([id, { status }]) => id === 'rules-keep-metrics' || status !== 'pass'),
      JSON.stringify(said(verdicts)),
    );
    assert.equal(said(verdicts)['proxies-stored'], 'unknown PartialAnswer');
  });

  it('lacks what a rule of the job leaves out, though TCP is there', async () => {
    const { verdicts } = await verdictsOn(stored, {
      plan: (plan) => ({
        ...relabelled({ source_labels: ['__name__'], regex: 'istio_request.*', action: 'drop' })(plan),
        configuration:
          "scrape_configs: [{job_name: kubernetes-pods, metric_relabel_configs: [{source_labels: [__name__], regex: 'istio_request.*', action: drop}]}]",
      }),
    });
    assert.equal(said(verdicts)['rules-keep-metrics'], 'fail RequestsDropped');
    assert.match(
      messageOf(verdicts, 'rules-keep-metrics'),
      /^job kubernetes-pods leaves out istio_requests_total and istio_request_duration_milliseconds_bucket of 10 of 10 proxies$/,
    );
  });
});
