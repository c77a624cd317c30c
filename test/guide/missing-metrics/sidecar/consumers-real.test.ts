import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Finding } from '../../../../src/diagnosis/finding.ts';
import { consuming } from '../../../../src/guide/missing-metrics/sidecar/consumers.ts';
import { findingsOn } from '../../../support/mesh/found.ts';
import { podObject } from '../../../support/modern.ts';
import { it } from '../../../support/programs.ts';
import type { RecordedObject } from '../../../support/recordings.ts';

const said = (findings: ReadonlyMap<string, Finding>): Record<string, string> =>
  Object.fromEntries(
    [...findings].map(([id, { status, reason }]) => [id, reason === null ? status : `${status} ${reason}`]),
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
    const findings = await findingsOn(consuming, { objects: both });
    assert.deepEqual([...new Set(Object.values(said(findings)))], ['pass'], JSON.stringify([...findings]));
    assert.equal(
      findings.get('grafana-asks-store')?.message,
      'Grafana in istio-system asks http://prometheus:9090, which holds the mesh’s series',
    );
  });

  it('are none in a cluster without them', async () => {
    const findings = await findingsOn(consuming, {
      objects: (objects) => objects.filter(({ metadata }) => !/^(grafana|kiali)/.test(metadata.name)),
    });
    assert.deepEqual([...new Set(Object.values(said(findings)))], ['skip']);
  });

  it('find no labels that a rule has removed', async () => {
    const findings = await findingsOn(consuming, {
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
    assert.equal(said(findings)['kiali-finds-labels'], 'fail LabelsRemoved');
    assert.match(
      findings.get('kiali-finds-labels')?.message ?? '',
      /^source_canonical_revision and response_flags are missing on all/,
    );
  });

  it('ask for rates over less than two scrapes', async () => {
    const findings = await findingsOn(consuming, {
      objects: both,
      plan: (plan) => ({ ...plan, jobs: { 'kubernetes-pods': { interval: '60s' } } }),
    });
    assert.equal(said(findings)['rate-window'], 'warn WindowTooShort');
    assert.match(
      findings.get('rate-window')?.message ?? '',
      /scraped every 60 seconds \(kubernetes-pods\); Grafana and Kiali/,
    );
  });

  it('ask a Service that there is not, or that has nothing', async () => {
    const [gone, outside] = await Promise.all([
      findingsOn(consuming, {
        objects: edited('kiali', (file) => file.replace('prometheus.istio-system', 'prometheus.monitoring.svc')),
      }),
      findingsOn(consuming, {
        objects: edited('grafana', (file) => file.replace('http://prometheus:9090', 'https://prom.example.com')),
      }),
    ]);
    assert.equal(said(gone)['kiali-asks-store'], 'fail StoreGone');
    assert.match(
      gone.get('kiali-asks-store')?.hint ?? '',
      /edit configmap kiali {3}# url: http:\/\/prometheus.istio-system:9090; then /,
    );
    assert.equal(said(outside)['grafana-asks-store'], 'unknown StoreNotAsked');
  });

  it('have no server side to show, where no sidecar counts it', async () => {
    const findings = await findingsOn(consuming, {
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
    assert.equal(said(findings)['dashboards-answered'], 'warn NoDestinationReporter');
  });
});
