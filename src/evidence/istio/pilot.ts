import type { PageQuestion } from '../../cluster/question/question.ts';
import { askPage, firstLine, textOf, unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt, ControlPlane } from '../../diagnosis/check.ts';
import { clusterSource, planeSource, settle } from '../../diagnosis/source.ts';
import { isAtLeast } from '../../istio/release.ts';
import { numberOf } from '../../prometheus/numbers.ts';
import { allPods } from '../kubernetes/lists.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import { askMetrics } from '../prometheus/metrics-page.ts';
import { isPilotPod, releaseIn } from './detection.ts';
import { type ProxySync, syncIn } from './sync.ts';

/** One replica of Pilot or istiod. */
export interface Pilot {
  pod: Pod;
  /** `1.31.0`, by its image; null when that does not tell. */
  version: string | null;
  /** Where its pages are, and of 0.8 to 1.4 the registration (guide.md 0.2). */
  debugPort: number;
}

/** Whether proxies are led to it. */
export const isReady = ({ pod }: Pilot): boolean => pod.ready && pod.phase === 'Running';

/** Where a replica answers. */
export interface Place {
  port: number;
  path: string;
}

const pilotOf = (pod: Pod): Pilot => {
  const version = releaseIn(pod, 'discovery');
  const annotated = Number(pod.annotations['prometheus.io/port']);
  const modern = version === null || isAtLeast(version, '1.1');
  return { pod, version, debugPort: modern && annotated > 0 ? annotated : modern ? 15014 : 9093 };
};

/** Whether a replica is this control plane's. */
const isOf =
  ({ namespace, revision }: ControlPlane) =>
  ({ pod }: Pilot): boolean =>
    pod.namespace === namespace && (revision === null || (pod.labels['istio.io/rev'] ?? revision) === revision);

/** Every replica in the cluster, ready or not. */
export const allPilots = clusterSource(
  [],
  async ({ from }): Promise<readonly Pilot[]> =>
    (await from(allPods)).items
      .filter((pod) => isPilotPod(pod) && pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && !pod.deleting)
      .map(pilotOf),
);

/** Of this control plane. Beside a Mixer, Pilot may run in a namespace of its own (1.2 to 1.4). */
export const pilots = planeSource([], async ({ from, plane }): Promise<readonly Pilot[]> => {
  const all = await from(allPilots);
  const own = all.filter(isOf(plane));
  return own.length === 0 && plane.generation === 'mixer' ? all : own;
});

/** A page of one replica. */
export const pageOf = ({ pod }: Pilot, { port, path }: Place, reading?: 2): PageQuestion => ({
  ask: 'page',
  namespace: pod.namespace,
  pod: pod.name,
  port,
  path,
  ...(reading && { reading }),
});

/** Its text; an answer that is not 200 is NoAnswer. */
export async function readPage({ cluster }: Pick<Ask, 'cluster'>, question: PageQuestion): Promise<string> {
  // Not on loopback, or by the wrong identity: that says nothing of the page (guide.md b, 6).
  const hindranceOf = (status: number) => (status === 401 || status === 403 ? 'Forbidden' : 'BadAnswer');
  return textOf(question, await askPage(cluster, question, hindranceOf));
}

/** What one replica knows of the proxies that are connected to it. */
export interface PilotSync {
  pilot: Pilot;
  proxies: Attempt<readonly ProxySync[]>;
  /** A second reading, `scope.window` later; null when none was asked for. */
  later: Attempt<readonly ProxySync[]> | null;
}

/** 0.8 has no syncz: its adsz names the proxies, and no more. */
async function askSync(ask: Ask, pilot: Pilot, reading?: 2): Promise<readonly ProxySync[]> {
  const isOld = pilot.version !== null && !isAtLeast(pilot.version, '1.0');
  const path = isOld ? '/debug/adsz' : '/debug/syncz';
  const question = pageOf(pilot, { port: pilot.debugPort, path }, reading);
  const text = await readPage(ask, question);
  const proxies = syncIn(text, isOld);
  if (proxies) return proxies;
  throw unanswered(question, 'BadAnswer', `not the page that was asked for: ${firstLine(text)}`);
}

/** Each running replica's own proxies: a proxy is connected to exactly one of them. */
export const firstSyncs = clusterSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly Omit<PilotSync, 'later'>[]> => {
    const running = (await ask.from(allPilots)).filter(({ pod }) => isRunning(pod));
    return Promise.all(running.map(async (pilot) => ({ pilot, proxies: await settle(askSync(ask, pilot)) })));
  },
);

/** Every proxy that a replica which answered knows of. */
export const proxiesIn = (syncs: Attempt<readonly Pick<PilotSync, 'proxies'>[]>): readonly ProxySync[] =>
  ('got' in syncs ? syncs.got : []).flatMap(({ proxies }) => ('got' in proxies ? proxies.got : []));

/** The same with the second reading: whoever needs one reading only need not wait for it. */
export const allSyncs = clusterSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly PilotSync[]> => {
    const first = await ask.from(firstSyncs);
    if (ask.scope.window === 0) return first.map((each) => ({ ...each, later: null }));
    await ask.sleep(ask.scope.window);
    return Promise.all(first.map(async (each) => ({ ...each, later: await settle(askSync(ask, each.pilot, 2)) })));
  },
);

/** What a replica knows of services: the guide's `/v1/registration` up to 1.4, `/debug/registryz` since. */
export interface Registry {
  pod: string;
  services: Attempt<number>;
}

/** Where it is. */
export const registryOf = ({ version, debugPort }: Pilot): Place =>
  version !== null && !isAtLeast(version, '1.5')
    ? { port: 8080, path: '/v1/registration' }
    : { port: debugPort, path: '/debug/registryz' };

export const registries = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly Registry[]> => {
    const running = (await ask.from(pilots)).filter(({ pod }) => isRunning(pod));
    return Promise.all(
      running.map(async (pilot) => {
        const question = pageOf(pilot, registryOf(pilot));
        const count = async (): Promise<number> => {
          const text = await readPage(ask, question);
          const value: unknown = JSON.parse(text === 'null' ? '[]' : text || '[]');
          if (Array.isArray(value)) return value.length;
          throw new SyntaxError('not a list');
        };
        const counted = count().catch((error: unknown) => {
          if (!(error instanceof SyntaxError)) throw error;
          throw unanswered(question, 'BadAnswer', 'not a list of services');
        });
        return { pod: pilot.pod.name, services: await settle(counted) };
      }),
    );
  },
);

/** What a replica counts since it started. */
export interface PilotCounts {
  pod: string;
  /** Configurations that proxies refused, by kind: `lds`. */
  rejects: ReadonlyMap<string, number>;
  /** Proxies that refused listeners since then, by their names: what releases before 1.24 tell of a refusal. */
  refusing: ReadonlySet<string>;
}

/** 1.0 and newer count all in one; each kind has a gauge of its own (0.8: cds, eds and lds). */
const REJECTS = 'pilot_total_xds_rejects';

/** `sidecar~10.1.0.3~productpage-1.default~default.svc.cluster.local` as `productpage-1.default`. */
const nodeOf = (node: string): string => node.split('~')[2] ?? node;

export const pilotCounts = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly Attempt<PilotCounts>[]> => {
    const running = (await ask.from(pilots)).filter(({ pod }) => isRunning(pod));
    return Promise.all(
      running.map((pilot) => {
        const read = async (): Promise<PilotCounts> => {
          const rejects = new Map<string, number>();
          const gauges = new Map<string, number>();
          const refusing = new Set<string>();
          const question = pageOf(pilot, { port: pilot.debugPort, path: '/metrics' });
          const wants = (name: string): boolean => name === REJECTS || /^pilot_xds_[celr]ds_reject$/.test(name);
          await askMetrics(ask.cluster, question, wants, (_family, { name, labels, value }) => {
            const isAll = name === REJECTS;
            const kind = isAll ? (labels.get('type') ?? 'all') : name.slice('pilot_xds_'.length, -'_reject'.length);
            // Some releases have both: the counter of all is the whole.
            const known = isAll ? rejects : gauges;
            known.set(kind, (known.get(kind) ?? 0) + numberOf(value));
            // Before 1.20 there is a sample of 0 without labels beside the others (modern.md 4).
            const node = labels.get('node');
            if (!isAll && kind === 'lds' && node !== undefined && numberOf(value) > 0) refusing.add(nodeOf(node));
          });
          for (const [kind, number] of gauges) if (!rejects.has(kind)) rejects.set(kind, number);
          return { pod: pilot.pod.name, rejects, refusing };
        };
        return settle(read());
      }),
    );
  },
);

/** The revision that the injector wrote down (since 1.10): a label may name a tag. */
const injectedBy = ({ annotations }: Pod): string | undefined =>
  /"revision":"([^"\\]+)"/.exec(annotations['sidecar.istio.io/status'] ?? '')?.[1];

/**
 * Whether a proxy is to be connected to this control plane, of all that there are: by its revision. One whose revision
 * has no control plane any more is everybody's to judge.
 */
export function belongsTo(plane: ControlPlane, all: readonly ControlPlane[]): (pod: Pod) => boolean {
  const named = ({ revision }: ControlPlane): string => revision ?? 'default';
  const revisions = new Set(all.map(named));
  return (pod) => {
    const said = [pod.labels['istio.io/rev'], pod.annotations['istio.io/rev'], injectedBy(pod)].filter(
      (each) => each !== undefined,
    );
    const own = said.find((each) => revisions.has(each)) ?? said[0] ?? 'default';
    return !revisions.has(own) || own === named(plane);
  };
}
