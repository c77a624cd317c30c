import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Verdict } from '../../../../src/diagnosis/check.ts';
import { consuming } from '../../../../src/guide/missing-metrics/sidecar/consumers.ts';
import { verdictsOn } from '../../../support/mesh/verdicts.ts';
import { podObject } from '../../../support/modern.ts';
import { it } from '../../../support/programs.ts';
import type { RecordedObject } from '../../../support/recordings.ts';

const said = (verdicts: ReadonlyMap<string, Verdict>): Record<string, string> =>
  Object.fromEntries(
    [...verdicts].map(([id, verdict]) => [
      id,
      'reason' in verdict ? `${verdict.status} ${verdict.reason}` : verdict.status,
    ]),
  );

const pod = (name: string, image: string, namespace = 'istio-system'): RecordedObject =>
  podObject(`${name}-1`, { namespace, labels: { app: name }, containers: [{ name, image }], ip: '10.244.3.9' });

const GRAFANA = pod('grafana', 'docker.io/grafana/grafana:12.3.1');
const KIALI = pod('kiali', 'quay.io/kiali/kiali:v2.27');
const both = (objects: readonly RecordedObject[]): readonly RecordedObject[] => [...objects, GRAFANA, KIALI];

/** The file of a ConfigMap with other words in it. */
const edited =
  (name: string, change: (file: string) => string) =>
  (objects: readonly RecordedObject[]): readonly RecordedObject[] =>
    both(objects).map((object) =>
      object.kind === 'ConfigMap' && object.metadata.name === name
        ? {
            ...object,
            data: Object.fromEntries(Object.entries(object.data ?? {}).map(([key, file]) => [key, change(file)])),
          }
        : object,
    );

describe('consumers of what a real Prometheus stores', { concurrency: 8 }, () => {
  it('ask the store that has the mesh’s series', async () => {
    const { verdicts } = await verdictsOn(consuming, { objects: both });
    assert.deepEqual([...new Set(Object.values(said(verdicts)))], ['pass'], JSON.stringify([...verdicts]));
    assert.equal(
      verdicts.get('grafana-asks-store')?.message,
      'Grafana in istio-system asks http://prometheus:9090, which holds the mesh’s series',
    );
  });

  it('are none in a cluster without them', async () => {
    const { verdicts } = await verdictsOn(consuming, {
      objects: (objects) => objects.filter(({ metadata }) => !/^(grafana|kiali)/.test(metadata.name)),
    });
    assert.deepEqual([...new Set(Object.values(said(verdicts)))], ['skip']);
  });

  it('find no labels that a rule has removed', async () => {
    const { verdicts } = await verdictsOn(consuming, {
      objects: both,
      plan: (plan) => ({
        ...plan,
        jobs: {
          'kubernetes-pods': {
            metric_relabel_configs: [{ action: 'labeldrop', regex: 'source_canonical_revision|response_flags' }],
          },
        },
      }),
    });
    assert.equal(said(verdicts)['kiali-finds-labels'], 'fail LabelsRemoved');
    assert.match(
      verdicts.get('kiali-finds-labels')?.message ?? '',
      /^source_canonical_revision and response_flags are missing on all/,
    );
  });

  it('ask for rates over less than two scrapes', async () => {
    const { verdicts } = await verdictsOn(consuming, {
      objects: both,
      plan: (plan) => ({ ...plan, jobs: { 'kubernetes-pods': { interval: '60s' } } }),
    });
    assert.equal(said(verdicts)['rate-window'], 'warn WindowTooShort');
    assert.match(
      verdicts.get('rate-window')?.message ?? '',
      /scraped every 60 seconds \(kubernetes-pods\); Grafana and Kiali/,
    );
  });

  it('ask a Service that there is not, or that has nothing', async () => {
    const gone = await verdictsOn(consuming, {
      objects: edited('kiali', (file) => file.replace('prometheus.istio-system', 'prometheus.monitoring.svc')),
    });
    assert.equal(said(gone.verdicts)['kiali-asks-store'], 'fail StoreGone');
    const hint = (gone.verdicts.get('kiali-asks-store') as { hint?: string }).hint;
    assert.match(hint ?? '', /edit configmap kiali {3}# url: http:\/\/prometheus.istio-system:9090; then /);
    const outside = await verdictsOn(consuming, {
      objects: edited('grafana', (file) => file.replace('http://prometheus:9090', 'https://prom.example.com')),
    });
    assert.equal(said(outside.verdicts)['grafana-asks-store'], 'unknown StoreNotAsked');
  });

  it('have no server side to show, where no sidecar counts it', async () => {
    const { verdicts } = await verdictsOn(consuming, {
      objects: both,
      plan: (plan) => ({
        ...plan,
        jobs: {
          'kubernetes-pods': {
            metric_relabel_configs: [{ action: 'drop', source_labels: ['reporter'], regex: 'destination' }],
          },
        },
      }),
    });
    assert.equal(said(verdicts)['dashboards-answered'], 'warn NoDestinationReporter');
  });
});
