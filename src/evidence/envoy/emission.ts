import type { ExecQuestion, PageQuestion } from '../../cluster/question/question.ts';
import { unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { proxySource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { type MeshProxies, meshProxies } from '../istio/mesh-proxies.ts';
import { type Proxy as MeshProxy, podsOf } from '../istio/population.ts';
import { isYoung } from '../istio/proxies.ts';
import { ownerOf } from '../kubernetes/owner.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { fresh, loaded, provenIn } from '../prometheus/proxies.ts';
import { answersIn } from '../prometheus/store.ts';
import { askMetricsPage, isLoaded, type MetricsPage } from './metrics-page.ts';

/** A proxy whose own pages were read. */
export interface ReadProxy extends MeshProxy {
  /** The agent's page, which it merges: what Prometheus scrapes by the annotations. */
  merged: Attempt<MetricsPage>;
  /** Envoy's own; null where the agent's has shown what was asked for. */
  own: Attempt<MetricsPage> | null;
}

/** Which proxies make Istio's metrics, by what a store has, and by their own pages. */
export interface Emission {
  /** Those that are judged: one that has just started may have nothing to show yet. */
  judged: readonly MeshProxy[];
  young: number;
  /** Those whose series a store has. */
  proven: ReadonlySet<Pod>;
  /** How many stores answered, and why others did not. */
  stores: { answered: number; missing: readonly Unanswered[] };
  /** Those that no store has, as far as their pages were read: at most `scope.sample`. */
  asked: readonly ReadProxy[];
  /** One that a store has: its page says whether pages can be believed. */
  control: ReadProxy | null;
  /** Why not every pod could be listed; null when all were. */
  refusal: MeshProxies['refusal'];
}

/** Where the agent serves, which a pod may move (annotation of the injector's). */
const statusPortOf = ({ annotations }: Pod): number => Number(annotations['status.sidecar.istio.io/port']) || 15020;

const ENVOYS_PORT = 15090;

const pageOf = ({ pod }: MeshProxy, port: number): PageQuestion => ({
  ask: 'page',
  namespace: pod.namespace,
  pod: pod.name,
  port,
  path: '/stats/prometheus',
});

/** A page without a line of Envoy's is none of its own. */
async function envoysPage({ cluster }: Ask, question: PageQuestion | ExecQuestion): Promise<MetricsPage> {
  const page = await askMetricsPage(cluster, question);
  if (page.parts.envoy) return page;
  throw unanswered(question, 'BadAnswer', 'nothing of Envoy’s is on the page');
}

/**
 * Envoy's own page, by a port-forward, or by the agent's command inside the container for who may not forward: a port that is
 * closed is not worth another login.
 */
async function ownPageOf(ask: Ask, proxy: MeshProxy): Promise<Attempt<MetricsPage>> {
  const own = await settle(envoysPage(ask, pageOf(proxy, ENVOYS_PORT)));
  if ('got' in own || own.missing.hindrance !== 'Forbidden') return own;
  const { pod, container } = proxy;
  const run = await settle(
    envoysPage(ask, {
      ask: 'exec',
      namespace: pod.namespace,
      pod: pod.name,
      container: container.name,
      run: 'metrics',
    }),
  );
  if ('got' in run) return run;
  const { right, words } = run.missing;
  const tried = `${right.verb} ${right.resource}: ${words}`;
  return { missing: { ...own.missing, triedInstead: [...own.missing.triedInstead, tried] } };
}

/** An agent's page without what is looked for proves nothing: its part of Envoy may be missing, or be the application's. */
async function readOf(ask: Ask, proxy: MeshProxy): Promise<ReadProxy> {
  const merged = await settle(askMetricsPage(ask.cluster, pageOf(proxy, statusPortOf(proxy.pod))));
  // ztunnel has one page, and no Envoy.
  const isShown = proxy.kind === 'ztunnel' || ('got' in merged && isLoaded(merged.got));
  const own = isShown ? null : await ownPageOf(ask, proxy);
  return { ...proxy, merged, own };
}

/** At most `most`, of as many owners as there are: the pods of one are alike. */
export function sampleOf(proxies: readonly MeshProxy[], most: number): readonly MeshProxy[] {
  const owners = new Map<string, number>();
  const turn = new Map<MeshProxy, number>();
  for (const proxy of proxies) {
    const { kind, namespace, name } = ownerOf(proxy.pod);
    const owner = `${kind} ${namespace}/${name}`;
    const before = owners.get(owner) ?? 0;
    owners.set(owner, before + 1);
    turn.set(proxy, before);
  }
  return [...proxies].sort((a, b) => (turn.get(a) ?? 0) - (turn.get(b) ?? 0)).slice(0, most);
}

// Where no port of a pod can be reached, a program in it tells, for those who may: nobody needs that right for this alone.
export const emission = proxySource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<Emission> => {
    const { from, now, scope } = ask;
    const [{ proxies, refusal }, builds, series] = await Promise.all([
      from(meshProxies),
      settle(from(loaded)),
      settle(from(fresh)),
    ]);
    const judged = proxies.filter(({ pod }) => !isYoung(pod, now));
    const [first, second] = [answersIn(builds), answersIn(series)];
    const proven = provenIn(podsOf(proxies), [...first.got, ...second.got]);
    const suspects = judged.filter(({ pod }) => !proven.has(pod));
    const control = judged.find(({ pod }) => proven.has(pod));
    const [asked, known] = await Promise.all([
      Promise.all(sampleOf(suspects, scope.sample).map((proxy) => readOf(ask, proxy))),
      control && suspects.length > 0 ? readOf(ask, control) : null,
    ]);
    return {
      judged,
      young: proxies.length - judged.length,
      proven,
      stores: { answered: first.got.length, missing: first.missing },
      asked,
      control: known,
      refusal,
    };
  },
);
