import { withCauses } from '../../diagnosis/cause.ts';
import type { ControlPlane, Topic } from '../../diagnosis/check.ts';
import { walk } from '../../diagnosis/diagnose.ts';
import type { Section } from '../../diagnosis/finding.ts';
import { Gatherer } from '../../diagnosis/gather.ts';
import { type History, later, UNDATED } from '../../diagnosis/history.ts';
import type { Ignore } from '../../diagnosis/ignore.ts';
import { keyOf, lostIn } from '../../diagnosis/losses.ts';
import { settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { controlPlanesOf, type Detection, detection } from '../../evidence/istio/detection.ts';
import { meshShares } from '../../evidence/istio/shares.ts';
import { type Facts, NOTHING } from '../../report/report.ts';
import type { Arguments } from '../arguments.ts';
import { scopeOf } from '../options.ts';
import type { Session } from '../session.ts';
import type { Spinner } from './spinner.ts';
import { unmatched } from './unmatched.ts';

/** What was found, of one topic. */
export type Found = Pick<Facts, 'topic' | 'planes' | 'shares' | 'sections' | 'unsearched' | 'warnings'> &
  Pick<Facts['run'], 'scope'>;

/** What an investigation needs beside a cluster. */
export interface Means {
  spinner: Spinner;
  /** Milliseconds, for durations. */
  readonly clock: () => number;
  histories: Histories;
  ignores: readonly Ignore[];
}

/** Finds the control planes and walks the topics for each, all at once: every source gathers once for all of them. */
export async function investigate(
  topics: readonly Topic[],
  args: Arguments,
  session: Omit<Session, 'renew' | 'save' | 'close'>,
  { spinner, clock, histories, ignores }: Means,
): Promise<readonly Found[]> {
  // The namespace of the context matters only for a workload without -n: nothing else waits for it.
  const waits = args.workload !== undefined && args.namespace === undefined;
  const given = scopeOf(args, waits ? (await session.identity).namespace : 'default');
  const { cluster, startedAt: now, sleep } = session;
  // A bundle is replayed without the flags that it was made with.
  const scope = { ...given, prometheus: given.prometheus ?? session.prometheus };
  const gatherer = new Gatherer({ cluster, scope, now, sleep }, clock);
  spinner.show('looking for control planes');
  const detected = await settle(gatherer.ofCluster(detection));
  const { planes, unsearched, searched } = 'got' in detected ? detected.got : nothing(detected.missing);
  const { workload, namespace, selector } = scope;
  const asked = { workload, namespace: workload?.namespace ?? namespace, selector };
  if (planes.length === 0) {
    const words = unsearched.length === 0 ? [`${NOTHING}no Istio was found in ${searched.join(' and ')}`] : [];
    return topics.map(({ id }) => ({
      topic: id,
      planes,
      shares: null,
      sections: [],
      unsearched,
      warnings: words,
      scope: asked,
    }));
  }
  const known = await settle(gatherer.ofCluster(meshShares));
  const shares = 'got' in known ? known.got : null;
  return Promise.all(
    topics.map(async (topic): Promise<Found> => {
      const judged = topic.once === 'for each generation' ? planes : controlPlanesOf(planes);
      const missed = await unmatched(topic, gatherer, scope);
      if (missed) {
        const { words, refusals } = missed;
        const warning =
          refusals.length === 0
            ? `${NOTHING}${words}`
            : `not everything could be searched, and what could shows this: ${words}`;
        const without = { sections: [], unsearched: [...unsearched, ...refusals], warnings: [warning] };
        return { topic: topic.id, planes: judged, shares, ...without, scope: asked };
      }
      const sections = await Promise.all(
        judged.map((plane: ControlPlane) => walk(topic, plane, gatherer, scope, (title) => spinner.show(title))),
      );
      return {
        topic: topic.id,
        planes: judged,
        shares,
        sections: await Promise.all(
          sections.map((section) => dated(topic, withCauses(section, ignores), gatherer, histories)),
        ),
        unsearched,
        warnings: [],
        scope: asked,
      };
    }),
  );
}

/** The histories of losses by control planes, and when they were asked for (ms): what began once has not begun anew at the next look. */
export type Histories = Map<string, { found: ReadonlyMap<string, History>; at: number }>;

/** With the history of what it loses. What the store does not tell costs nothing else. */
async function dated({ history }: Topic, section: Section, gatherer: Gatherer, known: Histories): Promise<Section> {
  const lost = lostIn(section);
  const key = JSON.stringify(section.plane);
  if (!history) return section;
  if (lost.length === 0) {
    // What is lost again has begun anew.
    known.delete(key);
    return section;
  }
  const before = known.get(key);
  if (before && lost.every(({ loss }) => before.found.has(keyOf(loss)))) {
    const passed = Math.round((gatherer.now - before.at) / 1000);
    return { ...section, history: new Map([...before.found].map(([loss, each]) => [loss, later(each, passed)])) };
  }
  const asked = await settle(gatherer.gather(history(lost), section.plane));
  const whyNot = ({ words }: Unanswered): History => ({ ...UNDATED, undated: words });
  const found =
    'got' in asked
      ? (asked.got.evidence as ReadonlyMap<string, History>)
      : new Map(lost.map(({ loss }) => [keyOf(loss), whyNot(asked.missing)]));
  known.set(key, { found, at: gatherer.now });
  return { ...section, history: found };
}

const nothing = (missing: Unanswered): Detection => ({ planes: [], all: [], unsearched: [missing], searched: [] });
