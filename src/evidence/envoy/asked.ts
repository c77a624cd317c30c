import type { PageQuestion } from '../../cluster/question/question.ts';
import { shellLine } from '../../cluster/question/shell.ts';
import { askPage, firstLine, textOf, unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt, Source, Verdict } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { count, isSome, sorted, unknown } from '../../diagnosis/verdict.ts';
import { UsageError } from '../../errors.ts';
import { detection } from '../istio/detection.ts';
import { firstSyncs, proxiesIn } from '../istio/pilot.ts';
import { adminPortOf, ofPlane, proxyContainerOf } from '../istio/proxies.ts';
import { proxyNamed } from '../istio/sync.ts';
import { allPods } from '../kubernetes/lists.ts';
import { titleOf } from '../kubernetes/named.ts';
import { type Container, isRunning, type Pod } from '../kubernetes/pod.ts';
import { selectedPods } from '../kubernetes/workload.ts';

/** An Envoy: the pod that it serves, and its container there. */
export interface Envoy {
  pod: Pod;
  container: Container;
}

/** `NAMESPACE/POD`. */
export const nameOf = ({ pod }: Pick<Envoy, 'pod'>): string => titleOf(pod);

/** Shows the end of an Envoy's log. */
export const logLine = ({ pod, container }: Envoy): string =>
  shellLine('kubectl', '-n', pod.namespace, 'logs', pod.name, '-c', container.name, '--tail=200');

/** Asks an Envoy itself, inside of its container. */
export const adminLine = ({ pod, container }: { pod: Pod; container: Pick<Container, 'name'> }, path: string): string =>
  shellLine(
    'kubectl',
    '-n',
    pod.namespace,
    'exec',
    pod.name,
    '-c',
    container.name,
    '--',
    'pilot-agent',
    'request',
    'GET',
    path,
  );

/** Beside an application; a gateway and a waypoint are pods of their own. */
export const isSidecar = ({ pod, container }: Envoy): boolean =>
  pod.containers.length > 1 && !container.args.includes('router') && !/gateway/.test(pod.labels.istio ?? '');

/** Every running Envoy of this control plane's mesh: sidecars, gateways, waypoints; narrowed by -n and -l. */
export const envoys = planeSource([], async ({ from, scope, plane }): Promise<readonly Envoy[]> => {
  const [all, selected, { all: planes }] = await Promise.all([from(allPods), from(selectedPods), from(detection)]);
  const isOwn = ofPlane(plane, planes);
  return (selected ?? all).items.flatMap((pod) => {
    const container = proxyContainerOf(pod);
    const isIn = scope.from !== null || scope.namespace === null || pod.namespace === scope.namespace;
    const isEnvoy = container && isRunning(pod) && pod.labels.app !== 'ztunnel' && isOwn(pod);
    return isEnvoy && isIn ? [{ pod, container }] : [];
  });
});

/** The Envoys whose own pages and logs are read, and of how many they are a sample. */
export interface Asked {
  envoys: readonly Envoy[];
  of: number;
}

/** The pod that --from names must be there: a slip of the keyboard is no broken mesh. */
export const callerPod = planeSource([], async ({ from, scope }): Promise<Pod | null> => {
  if (!scope.from) return null;
  const { name, namespace } = scope.from;
  const listing = await from(allPods);
  const found = listing.items.find((pod) => pod.name === name && (namespace === null || pod.namespace === namespace));
  if (!found && listing.complete)
    throw new UsageError(`there is no pod ${name}${namespace === null ? '' : ` in namespace ${namespace}`}`);
  return found ?? null;
});

/** The one that --from names, or at most `scope.sample`: those first that no replica lists or that are not in sync. */
export const askedEnvoys = planeSource([], async ({ from, scope }): Promise<Asked> => {
  const [all, syncs] = await Promise.all([from(envoys), settle(from(firstSyncs))]);
  if (scope.from) {
    const caller = await from(callerPod);
    const named = all.filter(({ pod }) => pod.name === caller?.name && pod.namespace === caller.namespace);
    return { envoys: named, of: named.length };
  }
  const synced = new Set(
    proxiesIn(syncs)
      .filter(({ types }) => types.every(({ sent, acked }) => sent === acked))
      .map(({ proxy }) => proxy),
  );
  const isSynced = ({ pod }: Envoy): boolean => synced.has(proxyNamed(pod));
  const restarts = ({ pod }: Envoy): number => pod.restarts;
  const first = [...all].sort(
    (a, b) =>
      Number(isSynced(a)) - Number(isSynced(b)) ||
      restarts(b) - restarts(a) ||
      // There are more of them, and rules are theirs to carry out.
      Number(isSidecar(b)) - Number(isSidecar(a)),
  );
  return { envoys: first.slice(0, scope.sample), of: all.length };
});

/** `2 of 20 proxies`. */
export const sampleOf = ({ envoys, of }: Asked): string =>
  envoys.length === of ? `${of} ${of === 1 ? 'proxy' : 'proxies'}` : `${envoys.length} of ${of} proxies`;

/** What one Envoy answered. */
export interface Told<T> extends Envoy {
  said: Attempt<T>;
}

/** Those that answered, and what. */
export const answered = <T>(told: readonly Told<T>[]): readonly (Envoy & { said: T })[] =>
  told.flatMap(({ said, ...envoy }) => ('got' in said ? [{ ...envoy, said: said.got }] : []));

/** The verdict on proxies of which some did not answer, and the others gave no reason for another; null when all did. */
export function unasked(told: readonly Told<unknown>[]): Verdict | null {
  const { missing } = sorted(told.map(({ said }) => said));
  if (!isSome(missing)) return null;
  return unknown(missing, `${missing.length} of ${count(told.length, 'proxy', 'proxies')} could not be asked`);
}

/** A page of Envoy's admin server. */
export const adminPage = ({ pod, container }: Envoy, path: string, reading?: 2): PageQuestion => ({
  ask: 'page',
  namespace: pod.namespace,
  pod: pod.name,
  port: adminPortOf(container),
  path,
  ...(reading && { reading }),
});

/** Its text. An answer that is not 200, or that `parse` does not know, is NoAnswer. */
export async function readAdmin<T>(
  { cluster }: Pick<Ask, 'cluster'>,
  question: PageQuestion,
  parse: (text: string) => T | null,
): Promise<T> {
  const text = await textOf(question, await askPage(cluster, question));
  const parsed = parse(text);
  if (parsed !== null) return parsed;
  throw unanswered(question, 'BadAnswer', `not the page that was asked for: ${firstLine(text)}`);
}

/** A source that asks each of the asked Envoys for the same, all at once. */
export const ofEachEnvoy = <T>(
  rights: Source<unknown>['rights'],
  ask: (ask: Ask, envoy: Envoy) => Promise<T>,
): Source<readonly Told<T>[]> =>
  planeSource(rights, async (asking) => {
    const { envoys } = await asking.from(askedEnvoys);
    return Promise.all(envoys.map(async (envoy) => ({ ...envoy, said: await settle(ask(asking, envoy)) })));
  });
