import { withCauses } from '../diagnosis/cause.ts';
import type { ControlPlane, Scope, Topic } from '../diagnosis/check.ts';
import { walk } from '../diagnosis/diagnose.ts';
import { Gatherer } from '../diagnosis/gather.ts';
import { settle } from '../diagnosis/source.ts';
import { DiagError, type Unanswered } from '../errors.ts';
import { controlPlanesOf, type Detection, detection } from '../evidence/istio.ts';
import { allNamespaces } from '../evidence/kubernetes.ts';
import type { Pod } from '../evidence/pod.ts';
import { narrowed, selectedPods } from '../evidence/workload.ts';
import type { Facts } from '../report/report.ts';
import { type Arguments, scopeOf } from './options.ts';
import type { Session } from './session.ts';
import type { Spinner } from './spinner.ts';

/** What was found, of one topic. */
type Found = Pick<Facts, 'topic' | 'planes' | 'sections' | 'unsearched' | 'warnings'>;

/** Finds the control planes and walks the topics for each, all at once: every source gathers once for all of them. */
export async function investigate(
  topics: readonly Topic[],
  args: Arguments,
  session: Session,
  spinner: Spinner,
  clock: () => number,
): Promise<readonly Found[]> {
  // The namespace of the context matters only for a workload without -n: nothing else waits for it.
  const waits = args.workload !== undefined && args.namespace === undefined;
  const scope = scopeOf(args, waits ? (await session.identity).namespace : 'default');
  const { cluster, startedAt: now, sleep } = session;
  const gatherer = new Gatherer({ cluster, scope, now, sleep }, clock);
  spinner.show('looking for control planes');
  const detected = await settle(gatherer.ofCluster(detection));
  const { planes, unsearched } = 'got' in detected ? detected.got : nothing(detected.missing);
  if (scope.workload && planes.length > 0) await assertWorkload(gatherer);
  const warnings = planes.length > 0 ? await scopeWarnings(gatherer, scope) : [];
  return Promise.all(
    topics.map(async (topic): Promise<Found> => {
      const judged = topic.once === 'for each generation' ? planes : controlPlanesOf(planes);
      const sections = await Promise.all(
        judged.map((plane: ControlPlane) => walk(topic, plane, gatherer, scope, (title) => spinner.show(title))),
      );
      return { topic: topic.id, planes: judged, sections: sections.map(withCauses), unsearched, warnings };
    }),
  );
}

const nothing = (missing: Unanswered): Detection => ({ planes: [], all: [], unsearched: [missing], searched: [] });

/** A workload that is not there is a slip of the keyboard, not a broken mesh. */
async function assertWorkload(gatherer: Gatherer): Promise<void> {
  const attempt = await settle(gatherer.ofCluster(narrowed));
  if (!('got' in attempt) || attempt.got === null || attempt.got.found) return;
  const { kind, name, namespace } = attempt.got.workload;
  throw new DiagError(`there is no ${kind} ${name} in namespace ${namespace}: kubectl -n ${namespace} get ${kind}s`);
}

/** A namespace or a selector that fits nothing would make a healthy mesh of a slip. An unknown namespace ends the run. */
async function scopeWarnings(gatherer: Gatherer, { namespace, selector }: Scope): Promise<readonly string[]> {
  if (namespace !== null) {
    const attempt = await settle(gatherer.ofCluster(allNamespaces));
    if ('got' in attempt && attempt.got.complete && !attempt.got.items.some(({ name }) => name === namespace)) {
      throw new DiagError(`there is no namespace ${namespace}: kubectl get namespaces`);
    }
  }
  if (selector === null) return [];
  const attempt = await settle(gatherer.ofCluster(selectedPods));
  const pods = 'got' in attempt ? attempt.got?.items : undefined;
  const isJudged = (pod: Pod): boolean => namespace === null || pod.namespace === namespace;
  return pods === undefined || pods.some(isJudged) ? [] : [`no pod has the labels ${selector}: no workload was judged`];
}
