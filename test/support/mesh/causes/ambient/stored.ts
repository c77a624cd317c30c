import { STEPS } from '../../expectation.ts';
import type { ScrapeTarget } from '../../plan.ts';
import { type Cause, healthy, lost, warned } from '../cause.ts';
import { changedAmbient, onPage } from './changed.ts';

const alone = (reason: readonly string[]) =>
  lost('stored', reason, { neverFail: STEPS.filter((step) => step !== 'stored') });

const dropping = (regex: string) =>
  changedAmbient((spec) => {
    spec.prometheus.jobs['kubernetes-pods'] = {
      metric_relabel_configs: [{ action: 'drop', source_labels: ['__name__'], regex }],
    };
  });

const isZtunnel = ({ page }: ScrapeTarget): boolean => /\/ztunnel-/.test(page);

/** Its callers are in another cluster. */
const fromWest = (text: string): string => text.replaceAll('source_cluster="Kubernetes"', 'source_cluster="west"');

/** What of ztunnels' pages is not stored, or says what is not so. */
export const ambientStoredCauses: readonly Cause[] = [
  {
    name: 'rules at scrape time drop what ztunnels count',
    facts: 'modern.md 2e',
    spec: dropping('istio_tcp_.*'),
    expect: alone(['ConnectionsDropped']),
  },
  {
    name: 'rules at scrape time drop all but istio_requests_total',
    facts: 'reports.md 2',
    spec: changedAmbient((spec) => {
      spec.prometheus.jobs['kubernetes-pods'] = {
        metric_relabel_configs: [
          { action: 'keep', source_labels: ['__name__'], regex: 'istio_(requests_total|build)' },
        ],
      };
    }),
    expect: alone(['ConnectionsDropped']),
  },
  {
    name: 'two jobs scrape the same ztunnels',
    facts: 'modern.md 5.36',
    spec: changedAmbient((spec) => {
      spec.prometheus.target = (target) => (isZtunnel(target) ? [target, { ...target, job: 'ztunnel' }] : target);
    }),
    expect: alone(['StoredTwice']),
  },
  {
    name: 'callers in another cluster are known by their label alone',
    facts: 'reports.md 8',
    spec: changedAmbient((_, ambient) => {
      for (const node of ['node-1', 'node-2'])
        onPage(ambient, node, {
          rewrite: (text) =>
            text
              .split('\n')
              .map((line) => (line.includes('reporter="destination"') ? fromWest(line) : line))
              .join('\n'),
        });
    }),
    expect: warned('stored', ['ClusterNotStored']),
  },
  {
    name: 'the one cluster has a name of its own',
    facts: 'modern.md 2e',
    spec: changedAmbient((spec, ambient) => {
      spec.cluster = 'east.1';
      for (const node of ['node-1', 'node-2'])
        onPage(ambient, node, { rewrite: (text) => text.replaceAll('_cluster="Kubernetes"', '_cluster="east.1"') });
    }),
    expect: healthy(),
  },
  {
    name: 'both clusters of a mesh are in one store',
    facts: 'reports.md 8',
    spec: changedAmbient((_, ambient) => onPage(ambient, 'node-2', { rewrite: fromWest })),
    expect: healthy(),
  },
];
