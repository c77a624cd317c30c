import { STEPS } from '../../expectation.ts';
import type { ScrapeTarget } from '../../plan.ts';
import { type Cause, healthy, lost, warned } from '../cause.ts';
import { changedAmbient, onEachLine, onPage } from './changed.ts';

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

const isArriving = (line: string, workload: string): boolean =>
  line.includes('reporter="destination"') && line.includes(`source_workload="${workload}"`);

/** By an address that nobody has. */
const withoutSource = (line: string): string =>
  line.replaceAll(/source_(workload|workload_namespace|app|canonical_service)="[^"]*"/g, 'source_$1="unknown"');

/** Its own ztunnel counts nothing that it sends, and it arrives without a tunnel. */
function pastItsZtunnel(line: string, workload: string): string | null {
  if (line.includes('reporter="source"') && line.includes(`source_workload="${workload}"`)) return null;
  return isArriving(line, workload)
    ? line
        .replace(/source_principal="[^"]*"/, 'source_principal="unknown"')
        .replace('connection_security_policy="mutual_tls"', 'connection_security_policy="unknown"')
    : line;
}

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
      onEachLine(ambient, (line) => (line.includes('reporter="destination"') ? fromWest(line) : line));
    }),
    expect: warned('stored', ['ClusterNotStored']),
  },
  {
    name: 'the one cluster has a name of its own',
    facts: 'modern.md 2e',
    spec: changedAmbient((spec, ambient) => {
      spec.cluster = 'east.1';
      onEachLine(ambient, (line) => line.replaceAll('_cluster="Kubernetes"', '_cluster="east.1"'));
    }),
    expect: healthy(),
  },
  {
    name: 'istiod knows another cluster, and nothing of it is stored',
    facts: 'modern.md 5.38',
    spec: changedAmbient((spec) => {
      spec.remotes = ['west'];
    }),
    expect: warned('stored', ['ClusterNotStored']),
  },
  {
    name: 'a pod’s connections go past its ztunnel, though it is marked',
    facts: 'istio/istio#59155, #60882',
    spec: changedAmbient((spec, ambient) => {
      for (const each of spec.calls) if (each.from === 'web-v1') each.codes = { '200': 9000 };
      onEachLine(ambient, (line) => pastItsZtunnel(line, 'web-v1'));
    }),
    expect: warned('stored', ['ClientSideMissing']),
  },
  {
    name: 'addresses are rewritten between nodes',
    facts: 'kiali/kiali#8359',
    spec: changedAmbient((spec, ambient) => {
      for (const each of spec.calls) if (each.from === 'web-v1') each.codes = { '200': 9000 };
      onEachLine(ambient, (line) => (isArriving(line, 'web-v1') ? withoutSource(line) : line));
    }),
    expect: warned('stored', ['SourceMasqueraded']),
  },
  {
    name: 'a ztunnel counts nothing of what callers open to a pod of its',
    facts: 'istio/istio#54889, #57674',
    spec: changedAmbient((spec, ambient) => {
      for (const each of spec.calls) if (each.to === 'prices-v1') each.codes = { '200': 9000 };
      const isOfPrices = /reporter="destination".*destination_workload="prices-v1"/;
      onEachLine(ambient, (line) => (isOfPrices.test(line) ? null : line));
    }),
    expect: warned('stored', ['ServerSideMissing']),
  },
  {
    name: 'both clusters of a mesh are in one store',
    facts: 'reports.md 8',
    spec: changedAmbient((_, ambient) => onPage(ambient, 'node-2', { rewrite: fromWest })),
    expect: healthy(),
  },
];
