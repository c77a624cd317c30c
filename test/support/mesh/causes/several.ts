import type { Page } from '../../recordings.ts';
import { controlPlane } from '../control-plane.ts';
import { istiodPages } from '../istiod-pages.ts';
import type { Built } from '../scenario.ts';
import { shop } from '../spec.ts';
import { storeObjects } from '../store.ts';
import { type Cause, changed, healthy, lost } from './cause.ts';

/** An istiod of another revision that nobody has been moved to yet. */
function withCanary({ recording }: Built): void {
  const canary = { ...shop('1.31.0'), revision: '1-31' };
  const objects = controlPlane(canary, '10.244.7.1').filter(({ kind }) => kind !== 'CustomResourceDefinition');
  recording.objects.push(...objects);
  const name = objects.find(({ kind }) => kind === 'Pod')?.metadata.name;
  for (const [path, page] of istiodPages(canary, [])) recording.pages.set(`istio-system/${name}:${path}`, page);
}

/** A Prometheus of somebody else's, that scrapes nothing of the mesh. */
function withOtherStore({ recording }: Built): void {
  const other = shop();
  const of = { ...other, grafana: null, kiali: null };
  of.prometheus = { ...other.prometheus, namespace: 'monitoring', by: 'nothing' };
  const objects = storeObjects(of, () => '10.244.8.1');
  recording.objects.push(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'monitoring' } },
    ...objects.filter(({ metadata }) => metadata.namespace === 'monitoring'),
  );
  const name = objects.find(({ kind }) => kind === 'Pod')?.metadata.name;
  const answered = (data: object): Page => ({
    status: 200,
    contentType: 'application/json',
    body: JSON.stringify({ status: 'success', data }),
  });
  recording.pages
    .set(`monitoring/${name}:9090/api/v1/targets`, answered({ activeTargets: [], droppedTargets: [] }))
    .set(`monitoring/${name}:9090/api/v1/status/config`, answered({ yaml: 'scrape_configs: []\n' }));
}

/** Two of what there is one of elsewhere. */
export const severalCauses: readonly Cause[] = [
  {
    name: 'a second control plane waits for its first proxy',
    facts: 'modern.md 1.2',
    spec: changed(() => undefined, '1.30.3'),
    after: withCanary,
    expect: healthy(),
  },
  {
    name: 'a second Prometheus has nothing of the mesh',
    facts: 'modern.md 2e',
    spec: changed(() => undefined),
    after: withOtherStore,
    expect: healthy(),
  },
  {
    name: 'Grafana asks the Prometheus that has nothing of the mesh',
    facts: 'modern.md 5.24',
    spec: changed((spec) => {
      spec.grafana = 'http://prometheus.monitoring:9090';
    }),
    after: withOtherStore,
    expect: lost('consumers', ['OtherStore']),
  },
];
