import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Verdict } from '../../../../src/diagnosis/check.ts';
import { stored } from '../../../../src/guide/missing-metrics/sidecar/stored/index.ts';
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

describe('what a real Prometheus stores of a mesh', { concurrency: 3 }, () => {
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
});
