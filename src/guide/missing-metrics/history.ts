import type { Ask, Generation, Lost, Source } from '../../diagnosis/check.ts';
import { type History, UNDATED } from '../../diagnosis/history.ts';
import { keyOf } from '../../diagnosis/losses.ts';
import { planeSource } from '../../diagnosis/source.ts';
import { sorted } from '../../diagnosis/verdict.ts';
import { meshName } from '../../evidence/kubernetes/config-maps.ts';
import { allPods } from '../../evidence/kubernetes/lists.ts';
import { type Managed, type ManagedKind, managedConfigMap, managedOfKind } from '../../evidence/kubernetes/managed.ts';
import type { Pod } from '../../evidence/kubernetes/pod.ts';
import { runsPrometheus } from '../../evidence/prometheus/server.ts';
import { type Begun, changesAround } from './changes.ts';
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

/** Since when each loss is there, and what was changed around then. Who has changed what is asked only where that is known. */
export const historyOf = (lost: readonly Lost[]): Source<ReadonlyMap<string, History>> =>
  planeSource([], async (ask) => {
    const dated = await ask.from(sinceWhen(lost));
    const isDated = [...dated.values()].some(({ since }) => since !== null);
    if (!isDated) return dated;
    const [{ got, missing }, { items: pods }] = await Promise.all([managed(ask), ask.from(allPods)]);
    const objects = got.flat();
    const [gap] = missing;
    const nothing = gap
      ? `not all could be looked at: ${gap.words}`
      : 'nothing that could be looked at was changed in the day before; what was deleted leaves no trace';
    const withChanges = (each: Lost, known: History): History => {
      if (known.since === null) return known;
      const where = placesOf(each, ask, pods);
      const deciding = new Set<string>(
        KINDS.filter(([, , steps]) => steps.includes(each.loss.step)).map(([kind]) => kind),
      ).add('ConfigMap');
      const near = objects.filter((object) => isNear(object, each, where));
      const begun = begunIn(each, pods, where);
      const changes = changesAround(Date.parse(known.since.at) / 1000, near, begun, deciding);
      return { ...known, changes, unchanged: changes.length > 0 ? null : nothing };
    };
    return new Map(lost.map((each) => [keyOf(each.loss), withChanges(each, dated.get(keyOf(each.loss)) ?? UNDATED)]));
  });

/** Who has changed the objects that may decide, and what could not be looked at. */
async function managed(ask: Ask): Promise<ReturnType<typeof sorted<readonly Managed[]>>> {
  const { plane, from } = ask;
  const kinds = KINDS.filter(([, generations]) => generations.includes(plane.generation));
  const injector = plane.revision === null || plane.revision === 'default' ? '' : `-${plane.revision}`;
  const maps = [meshName(plane.revision), `istio-sidecar-injector${injector}`, 'prometheus'];
  const namespace = plane.namespace;
  const attempts = await Promise.all([
    ...kinds.map(([kind]) => from(managedOfKind(kind))),
    ...(namespace === null ? [] : maps.map((name) => managedConfigMap(ask, namespace, name))),
  ]);
  return sorted<readonly Managed[]>(attempts);
}

/** The namespaces in which a change may matter; null for all: the loss names nobody. */
function placesOf({ subjects }: Lost, { plane }: Ask, pods: readonly Pod[]): ReadonlySet<string> | null {
  if (subjects.length === 0) return null;
  const own = [...subjects.map(({ namespace }) => namespace), ...(plane.namespace === null ? [] : [plane.namespace])];
  return new Set([...own, ...pods.filter(runsPrometheus).map(({ namespace }) => namespace)]);
}

function isNear({ kind, namespace, name }: Managed, { subjects }: Lost, where: ReadonlySet<string> | null): boolean {
  if (kind === 'MutatingWebhookConfiguration') return /istio/.test(name);
  if (where === null) return true;
  if (kind === 'Namespace') return where.has(name);
  if (namespace === null || !where.has(namespace)) return false;
  // Of what subjects share a namespace with, their own: others' changes are not about them.
  const isAmong = kind === 'Deployment' && subjects.some((each) => each.namespace === namespace);
  return !isAmong || subjects.some((each) => each.namespace === namespace && each.name === name);
}

/** Containers of the subjects that began, and of what runs beside Istio: a control plane, a Prometheus. */
function begunIn({ subjects }: Lost, pods: readonly Pod[], where: ReadonlySet<string> | null): readonly Begun[] {
  const own = new Set(subjects.flatMap(({ namespace, pods: names }) => names.map((name) => `${namespace}/${name}`)));
  const owners = new Set(subjects.map(({ namespace }) => namespace));
  return pods
    .filter(
      ({ namespace, name }) => own.has(`${namespace}/${name}`) || (where?.has(namespace) && !owners.has(namespace)),
    )
    .flatMap(({ namespace, name, startedAt, instances }) => [
      ...(startedAt === null ? [] : [{ namespace, pod: name, at: startedAt, again: false }]),
      ...instances.flatMap(({ ended }) => (ended?.at ? [{ namespace, pod: name, at: ended.at, again: true }] : [])),
    ]);
}
