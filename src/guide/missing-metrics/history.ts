import type { Ask, Attempt, ControlPlane, Generation, Lost, Source } from '../../diagnosis/check.ts';
import { type History, UNDATED } from '../../diagnosis/history.ts';
import { keyOf } from '../../diagnosis/losses.ts';
import { planeSource } from '../../diagnosis/source.ts';
import { count, sorted, wordsOf } from '../../diagnosis/verdict.ts';
import { meshName } from '../../evidence/kubernetes/config-maps.ts';
import { happenedIn } from '../../evidence/kubernetes/happened.ts';
import { allPods } from '../../evidence/kubernetes/lists.ts';
import { type Managed, type ManagedKind, managedConfigMap, managedOfKind } from '../../evidence/kubernetes/managed.ts';
import { type Named, titleOf } from '../../evidence/kubernetes/named.ts';
import type { Pod } from '../../evidence/kubernetes/pod.ts';
import { runsPrometheus } from '../../evidence/prometheus/server.ts';
import { aroundOf, begunIn, isAbout, isNear, placesOf } from './around.ts';
import { changesAround } from './changes.ts';
import {
  CONFIGURATION,
  METRIC_INSTANCES,
  PROMETHEUS_HANDLER,
  PROMETHEUS_SCRAPE,
  REPORT_CALLS,
  RULES,
} from './mixer/steps.ts';
import { PROTOCOL } from './sidecar/steps.ts';
import { sinceWhen } from './since.ts';
import {
  CONFIG_DELIVERY,
  ENROLLED,
  IN_MESH,
  PROXY_EMITS,
  SCRAPE,
  STORED,
  TELEMETRY_CONFIG,
  WAYPOINT,
  ZTUNNEL_EMITS,
} from './steps.ts';

const OF_TODAY: readonly Generation[] = ['telemetry-v2', 'ambient'];
const SCRAPING = [SCRAPE, STORED, PROMETHEUS_SCRAPE];
const TOLD = [TELEMETRY_CONFIG, PROXY_EMITS, WAYPOINT, STORED];

/** Which kinds are looked at, in which generations, and about which steps they decide. */
const KINDS: readonly (readonly [ManagedKind, readonly Generation[], readonly string[]])[] = [
  ['Namespace', OF_TODAY, [IN_MESH, ENROLLED, WAYPOINT]],
  ['MutatingWebhookConfiguration', ['telemetry-v2'], [IN_MESH]],
  ['Deployment', ['mixer', ...OF_TODAY], [IN_MESH, ENROLLED, REPORT_CALLS, PROXY_EMITS, ...SCRAPING]],
  ['Service', ['mixer', ...OF_TODAY], [PROTOCOL, WAYPOINT, ...SCRAPING]],
  ['Telemetry', OF_TODAY, TOLD],
  ['EnvoyFilter', ['telemetry-v2'], [CONFIG_DELIVERY, ...TOLD]],
  ['Sidecar', ['telemetry-v2'], [IN_MESH, CONFIG_DELIVERY]],
  ['ServiceEntry', ['ambient'], [WAYPOINT]],
  ['Gateway', ['ambient'], [WAYPOINT]],
  ['PodMonitor', OF_TODAY, SCRAPING],
  ['ServiceMonitor', OF_TODAY, SCRAPING],
  ['Prometheus', OF_TODAY, SCRAPING],
  ['NetworkPolicy', OF_TODAY, [SCRAPE, ZTUNNEL_EMITS]],
  ['rule', ['mixer'], [RULES, PROMETHEUS_HANDLER]],
  ['handler', ['mixer'], CONFIGURATION],
  ['prometheus', ['mixer'], CONFIGURATION],
  ['instance', ['mixer'], [METRIC_INSTANCES, RULES]],
  ['metric', ['mixer'], [METRIC_INSTANCES, RULES]],
  ['attributemanifest', ['mixer'], CONFIGURATION],
];

/** Namespaces whose traces are asked for, and ConfigMaps. */
const MOST = 10;

/** Since when each loss is there, and what was changed around then. Who has changed what is asked only where that is known. */
export const historyOf = (lost: readonly Lost[]): Source<ReadonlyMap<string, History>> =>
  planeSource([], async (ask) => {
    const dated = await ask.from(sinceWhen(lost));
    const isDated = [...dated.values()].some(({ since }) => since !== null);
    if (!isDated) return dated;
    const { items: pods } = await ask.from(allPods);
    const places = new Map(lost.map((each) => [each, placesOf(each, ask, pods)]));
    const namespaces = [...new Set([...places.values()].flatMap((where) => [...(where ?? aroundOf(ask, pods))]))];
    const [changed, traces] = await Promise.all([
      managed(ask, pods).then(sorted),
      happenedIn(ask, namespaces.slice(0, MOST)).then(sorted),
    ]);
    const objects = changed.got.flat();
    const happened = traces.got.flat();
    const [gap] = [...changed.missing, ...traces.missing];
    const left = namespaces.length - MOST;
    const unseen = [
      ...(gap ? [`not all could be looked at: ${wordsOf(gap)}`] : []),
      ...(left > 0 ? [`Events and ReplicaSets of ${count(left, 'more namespace')} were not looked at`] : []),
    ];
    const nothing =
      'nothing that could be looked at was changed in the day before; what was deleted leaves no trace but Events, which live for an hour';
    const withChanges = (each: Lost, known: History): History => {
      if (known.since === null) return known;
      const where = places.get(each) ?? null;
      const deciding = new Set<string>(
        KINDS.filter(([, , steps]) => steps.includes(each.loss.step)).map(([kind]) => kind),
      ).add('ConfigMap');
      const near = objects.filter((object) => isNear(object, each, where));
      const own = [...begunIn(each, pods, where), ...happened.filter((trace) => isAbout(trace, each, where))];
      const changes = changesAround(Date.parse(known.since.at) / 1000, near, own, deciding);
      const why = [...(changes.length === 0 && unseen.length === 0 ? [nothing] : []), ...unseen];
      return { ...known, changes, unchanged: why.length > 0 ? why.join('; ') : null };
    };
    return new Map(lost.map((each) => [keyOf(each.loss), withChanges(each, dated.get(keyOf(each.loss)) ?? UNDATED)]));
  });

/** Who has changed the objects that may decide, and what could not be looked at. */
function managed(ask: Ask, pods: readonly Pod[]): Promise<readonly Attempt<readonly Managed[]>[]> {
  const { plane, from } = ask;
  const kinds = KINDS.filter(([, generations]) => generations.includes(plane.generation));
  return Promise.all([
    ...kinds.map(([kind]) => from(managedOfKind(kind))),
    ...mapsOf(plane, pods).map(({ namespace, name }) => managedConfigMap(ask, namespace, name)),
  ]);
}

/** What istiod reads, and what a Prometheus mounts wherever it runs. */
function mapsOf({ namespace, revision }: ControlPlane, pods: readonly Pod[]): readonly Named[] {
  const injector = revision === null || revision === 'default' ? '' : `-${revision}`;
  const names = [meshName(revision), `istio-sidecar-injector${injector}`, 'prometheus'];
  const own = namespace === null ? [] : names.map((name) => ({ namespace, name }));
  const mounted = pods
    .filter(runsPrometheus)
    .flatMap((pod) => pod.configMaps.map((name) => ({ namespace: pod.namespace, name })));
  return [...new Map([...own, ...mounted].map((each) => [titleOf(each), each])).values()].slice(0, MOST);
}
