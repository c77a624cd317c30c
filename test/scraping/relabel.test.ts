import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rulesIn } from '../../src/evidence/prometheus/monitors.ts';
import { isKnown } from '../../src/scraping/discovery.ts';
import { fateOf as metricFateOf } from '../../src/scraping/metric-rules.ts';
import { relabel } from '../../src/scraping/relabel.ts';

const FOUND = new Map([
  ['__address__', '10.0.0.9:8080'],
  ['__meta_kubernetes_pod_label_app', 'cart'],
]);
const fateOf = (...rules: readonly object[]): string => {
  const fate = relabel(FOUND, isKnown, rulesIn(rules));
  if ('kept' in fate) return fate.kept.get('__address__');
  return 'droppedBy' in fate ? `dropped at ${fate.value}` : 'undecided';
};
/** An annotation that is not read. */
const UNREAD = '__meta_kubernetes_pod_annotation_example_com_port';

describe('what becomes of a metric', () => {
  const fate = (...rules: readonly object[]) => metricFateOf('istio_requests_total', rulesIn(rules));
  const rename = (regex: string, replacement: string): object => ({
    source_labels: ['__name__'],
    regex,
    target_label: '__name__',
    replacement,
  });
  it('is told by the rule that renames it, and not by one that does not fit', () => {
    const [other, same, own, next] = [
      rename('envoy_(.+)', 'x_$1'),
      rename('(.+)', '$1'),
      rename('istio_(.+)', 'mesh_$1'),
      rename('mesh_(.+)', 'm_$1'),
    ];
    const found = fate(other, { action: 'labeldrop', regex: 'pod_template_hash' }, same, own, next);
    assert.ok(found.is === 'renamed');
    assert.deepEqual([found.by.regex, found.to], ['istio_(.+)', 'm_requests_total']);
    assert.deepEqual(fate(own, rename('mesh_(.+)', 'istio_$1')), { is: 'kept' });
    assert.deepEqual(fate(other, same), { is: 'kept' });
  });
});

describe('relabelling by what is not known', () => {
  it('decides nothing by what Prometheus or its operator gives a target', () => {
    for (const label of ['job', '__scheme__', '__metrics_path__', '__scrape_interval__', '__param_target', 'pod'])
      assert.equal(fateOf({ action: 'keep', source_labels: [label], regex: 'http' }), 'undecided', label);
    assert.equal(fateOf({ action: 'keep', source_labels: ['__tmp_mine'], regex: 'http' }), 'dropped at ');
  });

  it('decides nothing', () => {
    assert.equal(fateOf({ action: 'keep', source_labels: [UNREAD], regex: 'true' }), 'undecided');
    assert.equal(
      fateOf({ action: 'drop', source_labels: ['__meta_kubernetes_node_label_x'], regex: 'y' }),
      'undecided',
    );
    assert.equal(
      fateOf({ action: 'keep', source_labels: ['__meta_kubernetes_pod_label_b'], regex: 'x' }),
      'dropped at ',
    );
  });

  it('leaves open where a target is scraped, and no label beside it', () => {
    const to = (target_label: string): object => ({ action: 'replace', source_labels: [UNREAD], target_label });
    assert.equal(fateOf(to('__address__')), 'undecided');
    assert.equal(fateOf(to('port')), '10.0.0.9:8080');
    assert.equal(fateOf(to('port'), { action: 'keep', source_labels: ['port'], regex: '80' }), 'undecided');
    const again = {
      action: 'replace',
      source_labels: ['__meta_kubernetes_pod_label_app'],
      target_label: '__address__',
    };
    assert.equal(fateOf(to('__address__'), again), 'cart');
  });

  it('may be copied under any name', () => {
    const keep = { action: 'keep', source_labels: ['example_com_port'], regex: '80' };
    assert.equal(fateOf({ action: 'labelmap', regex: '__meta_kubernetes_pod_annotation_(.+)' }, keep), 'undecided');
    assert.equal(fateOf({ action: 'labelmap', regex: '__meta_kubernetes_pod_label_(.+)' }, keep), 'dropped at ');
  });

  it('is hashed by nobody here', () => {
    const hash = { action: 'hashmod', source_labels: ['__address__'], modulus: 2, target_label: '__tmp_hash' };
    assert.equal(fateOf(hash, { action: 'keep', source_labels: ['__tmp_hash'], regex: '1' }), 'undecided');
  });
});
