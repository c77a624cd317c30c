import { defineCheck } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, unknown } from '../../../../diagnosis/verdict.ts';
import { logLine } from '../../../../evidence/envoy/asked.ts';
import { firstSyncs, pilots } from '../../../../evidence/istio/pilot.ts';
import { type Proxy as MeshProxy, podsOf, population } from '../../../../evidence/istio/population.ts';
import { isYoung } from '../../../../evidence/istio/proxies.ts';
import { foundIn, isLate, proxyNamed } from '../../../../evidence/istio/sync.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { loaded, provenIn } from '../../../../evidence/prometheus/proxies.ts';
import { answersIn } from '../../../../evidence/prometheus/store.ts';
import { knownOf } from './connected.ts';
import { ELSEWHERE } from './istiod-answers.ts';

/** A proxy is ready once it has had clusters and listeners, and stays so (pilot/cmd/pilot-agent/status/ready/probe.go). */
const hasHadSome = ({ pod, container }: MeshProxy): boolean =>
  pod.ready || (pod.instances.find((each) => each.container === container.name)?.ready ?? true);

export const proxiesConfigured = defineCheck({
  id: 'proxies-have-configuration',
  title: 'every proxy has had its configuration',
  explains:
    'Holds the proxies of the mesh, older than a minute, against what every replica lists in /debug/syncz. One that is not connected keeps its last configuration, and its metrics: only one that is not ready, and that no Prometheus has, never had any. What is owed or refused beside that is a matter of pilot-connectivity.',
  reasons: {
    NeverConfigured:
      'A proxy is not ready and istiod sent it no listeners: it never had a configuration, and makes no metrics.',
    ProxiesDisconnected:
      'A proxy is connected to no replica: it keeps its last configuration, and takes no change of it.',
    AnswersOwed: 'A proxy has owed istiod an answer for more than a minute: it may work with an old configuration.',
  },
  needs: { population, pilots, syncs: firstSyncs, loaded: attempt(loaded) },
  judge({ population, pilots, syncs, loaded }, { now }) {
    const judged = population.proxies.filter(({ pod }) => !isYoung(pod, now));
    const young = population.proxies.length - judged.length;
    if (judged.length === 0)
      return population.refusal
        ? unknown([population.refusal], 'the proxies could not be listed')
        : skip(`no proxy to be judged${young > 0 ? `; ${young} younger than a minute` : ''}`);
    if (pilots.length === 0) return skip('no replica of istiod is here to be asked');
    const { known, missing } = knownOf(judged, syncs, pilots);
    const unsent = new Set(
      foundIn(known, 'not sent')
        .filter(({ type }) => type.kind === 'listener')
        .map(({ proxy }) => proxy),
    );
    const connected = new Set(known.map(({ proxy }) => proxy));
    const absent = judged.filter(({ pod }) => !connected.has(proxyNamed(pod)));
    const without = judged.filter(({ pod }) => unsent.has(proxyNamed(pod)));
    const proven = provenIn(podsOf(population.proxies), answersIn(loaded).got);
    const never = [...absent, ...without].filter((proxy) => !hasHadSome(proxy) && !proven.has(proxy.pod));
    const all = count(judged.length, 'proxy', 'proxies');
    // A proxy is connected to one replica only.
    if (absent.length > 0 && isSome(missing) && without.length === 0)
      return unknown(missing, `${absent.length} of ${all} may be on a replica that could not be asked`);
    const [first] = never;
    if (first) {
      const subjects = subjectsOf(never.map(({ pod }) => pod));
      return {
        status: 'fail',
        reason: 'NeverConfigured',
        message: `${never.length} of ${all} never had a configuration from istiod`,
        evidence: linesOf(subjects),
        subjects,
        hint: logLine(first),
      };
    }
    if (isSome(absent)) {
      const subjects = subjectsOf(absent.map(({ pod }) => pod));
      return {
        status: 'warn',
        reason: 'ProxiesDisconnected',
        message: `${absent.length} of ${all} connected to no replica; ${absent.length === 1 ? 'it keeps its' : 'they keep their'} last configuration`,
        evidence: linesOf(subjects),
        subjects,
        hint: ELSEWHERE,
      };
    }
    const names = new Map(judged.map(({ pod }) => [proxyNamed(pod), pod]));
    const late = new Set(
      foundIn(known, 'stale')
        .filter(({ type }) => type.kind !== 'endpoint' && isLate(type, now))
        .flatMap(({ proxy }) => names.get(proxy) ?? []),
    );
    if (late.size > 0) {
      const subjects = subjectsOf([...late]);
      return {
        status: 'warn',
        reason: 'AnswersOwed',
        message: `${late.size} of ${all} have owed istiod an answer for more than a minute`,
        evidence: linesOf(subjects),
        subjects,
        hint: ELSEWHERE,
      };
    }
    if (population.refusal) return unknown([population.refusal], `all ${all} that were listed are connected`);
    if (isSome(missing)) return unknown(missing, `all ${all} connected; not every replica could be asked`);
    return { status: 'pass', message: `all ${all} connected${young > 0 ? `; ${young} younger than a minute` : ''}` };
  },
});
