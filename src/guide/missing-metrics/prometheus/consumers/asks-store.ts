import { shellLine } from '../../../../cluster/question/shell.ts';
import { type Check, defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { worst } from '../../../../diagnosis/finding.ts';
import { skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import {
  type ConsumerStore,
  type ConsumerStores,
  type Consuming,
  consumerStores,
} from '../../../../evidence/consumers/consumer-stores.ts';
import { type MeshStore, meshStore } from '../../../../evidence/prometheus/mesh-store.ts';
import { PARTIAL_ANSWER } from '../partial.ts';

type Evidence = { found: ConsumerStores; store: MeshStore | null };

type Kind = Consuming['consumer']['kind'];

/** What is wrong with a store that a consumer asks; 'untold' where nobody knows; null where nothing is. */
function wrongWith(
  { leads, holds, url }: ConsumerStore,
  isComplete: boolean,
): { reason: string; words: string } | 'untold' | null {
  if (leads.to === 'elsewhere') return 'untold';
  if (leads.to === 'nothing')
    return isComplete
      ? { reason: 'StoreGone', words: `${url}: there is no Service ${leads.namespace}/${leads.name}` }
      : 'untold';
  if (leads.to === 'no port')
    return {
      reason: 'StoreGone',
      words: `${url}: Service ${leads.service.namespace}/${leads.service.name} has no port ${leads.port}`,
    };
  if (leads.pods.length === 0)
    return isComplete ? { reason: 'StoreGone', words: `${url}: no running pod is behind this Service` } : 'untold';
  if (holds === null || 'missing' in holds) return 'untold';
  if (holds.got.holds) return null;
  return holds.got.partial.length > 0
    ? 'untold'
    : { reason: 'OtherStore', words: `${url} holds no series of Istio’s proxies` };
}

/** Whether two addresses are one: that of the store that the user named, too. */
const isSame = (one: string, other: string): boolean =>
  URL.canParse(one) && URL.canParse(other) && new URL(one).host === new URL(other).host;

/** One finding for one consumer; null where it asks a store that holds the mesh's series. */
function judgeOne({ consumer, stores }: Consuming, { found, store }: Evidence): Verdict {
  const { kind, namespace, pod, asks, configMap } = consumer;
  const who = `${kind} in ${namespace}`;
  if ('missing' in asks) return unknown([asks.missing], `${who} asks an unknown store`);
  if (stores.length === 0) return skip(`${who} is told its stores in no ConfigMap that it mounts`);
  const isNamed = ({ url }: ConsumerStore): boolean => store?.holds === true && isSame(url, store.where);
  const judged = stores.map((each) => ({ each, wrong: isNamed(each) ? null : wrongWith(each, found.isComplete) }));
  const right = judged.find(({ wrong }) => wrong === null);
  if (right) return { status: 'pass', message: `${who} asks ${right.each.url}, which holds the mesh’s series` };
  const untold = judged.find(({ wrong }) => wrong === 'untold');
  if (untold) {
    const { each } = untold;
    if (each.holds && 'missing' in each.holds) return unknown([each.holds.missing], `${who} asks ${each.url}`);
    return {
      status: 'unknown',
      reason: each.holds ? 'PartialAnswer' : 'StoreNotAsked',
      message: `${who} asks ${each.url}, which cannot be looked into from here`,
      hint: `${shellLine('kubectl', 'istio-diag', 'missing-metrics', '--prometheus-url', each.url)}   # where it can be reached from this machine`,
      missing: [],
    };
  }
  const wrong = judged.flatMap((each) => (each.wrong !== null && each.wrong !== 'untold' ? [each.wrong] : []));
  const [first] = wrong;
  if (!first) return skip(`${who} asks no store`);
  if (first.reason === 'OtherStore' && store?.holds !== true)
    return skip(`${who} asks a store without series of Istio’s proxies, and so far no store has any`);
  return {
    status: 'fail',
    reason: first.reason,
    message: `${who} asks ${first.words}${store?.holds === true ? `; ${store.where} has them` : ''}`,
    evidence: wrong.map(({ words }) => words).slice(0, 10),
    hint: `${shellLine('kubectl', '-n', namespace, 'edit', 'configmap', configMap ?? kind.toLowerCase())}   # url: ${found.rightUrl ?? 'of the store that has them'}${pod === null ? '' : `; then ${shellLine('kubectl', '-n', namespace, 'delete', 'pod', pod)}`}`,
  };
}

/**
 * What is found of each. Of two Grafanas one may draw the mesh, and the other something else: that one asks another store,
 * and is wrong only where none asks the right one.
 */
function judgeEach(found: readonly Consuming[], evidence: Evidence): readonly Verdict[] {
  const verdicts = found.map((each) => judgeOne(each, evidence));
  const isDrawn = (kind: Kind): boolean =>
    verdicts.some(({ status }, index) => status === 'pass' && found[index]?.consumer.kind === kind);
  return verdicts.map((verdict, index) => {
    const kind = found[index]?.consumer.kind;
    return verdict.status === 'fail' && verdict.reason === 'OtherStore' && kind && isDrawn(kind)
      ? skip(verdict.message)
      : verdict;
  });
}

const asksStore = (kind: Kind, id: string): Check<Evidence> =>
  defineCheck({
    id,
    title: `${kind} asks the store that has the mesh’s series`,
    explains: `Reads the addresses that ${kind} is told in a ConfigMap that it mounts, finds the Service and the pods behind it, and asks those that have not told yet for series of Istio’s proxies: so a Thanos or the like in front of a Prometheus is known for what it has. What it logs in with is not read. An address outside of the cluster, or one with TLS, is unknown.`,
    reasons: {
      StoreGone: `${kind} asks an address at which there is nothing.`,
      OtherStore: `${kind} asks a store that has no series of the mesh’s proxies, and another has them.`,
      StoreNotAsked: `${kind} asks a store that cannot be asked from here: outside of the cluster, or with TLS.`,
      PartialAnswer: PARTIAL_ANSWER,
    },
    needs: { found: consumerStores, store: meshStore },
    judge(evidence) {
      const own = evidence.found.consuming.filter(({ consumer }) => consumer.kind === kind);
      const verdicts = judgeEach(own, evidence);
      const status = worst(verdicts.map((each) => each.status));
      const [first = skip(`no ${kind} in this cluster`), ...more] = verdicts.filter((each) => each.status === status);
      return first.status === 'pass'
        ? { ...first, message: some([first, ...more].map(({ message }) => message)) }
        : first;
    },
  });

/** How many consumers there are, and how many of them are known to ask a store that holds the mesh's series; null: not known. */
export function askingOf(found: ConsumerStores, store: MeshStore | null): { all: number; asking: number | null } {
  const all = judgeEach(found.consuming, { found, store }).map(({ status }) => status);
  const statuses = all.includes('pass') ? all.filter((status) => status !== 'skip') : all;
  const isKnown = statuses.every((status) => status === 'pass' || status === 'fail' || status === 'warn');
  return { all: statuses.length, asking: isKnown ? statuses.filter((status) => status === 'pass').length : null };
}

export const grafanaAsksStore = asksStore('Grafana', 'grafana-asks-store');
export const kialiAsksStore = asksStore('Kiali', 'kiali-asks-store');
