import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { terminations } from '../../../../evidence/ambient/series.ts';
import { firstSyncs, proxiesIn } from '../../../../evidence/istio/pilot.ts';
import { isYoung } from '../../../../evidence/istio/proxies.ts';
import { foundIn, proxyNamed } from '../../../../evidence/istio/sync.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { PodIndex } from '../../../../evidence/prometheus/pod-series.ts';
import { seriesIn } from '../../prometheus/answers.ts';
import { ENROLLED } from '../steps.ts';

/** So often within a quarter of an hour a ztunnel may lose istiod: a rollout of it, a rebalancing. */
const FEW = 3;

export const ztunnelsConnected = defineCheck({
  id: 'ztunnels-connected',
  title: 'each ztunnel is connected to istiod, and takes what it is sent',
  explains:
    'A ztunnel without istiod knows no new pod, Service or waypoint, and gets no certificates; its readiness tells only that it had a first answer. Whether it is connected now istiod tells (/debug/syncz, all replicas together); how often it lost istiod lately its own istio_xds_connection_terminations_total does (ConnectionError and Error; Reconnect and Complete are usual).',
  reasons: {
    ZtunnelDisconnected: 'A ztunnel is connected to no istiod: what it knows is old, and new pods get nothing.',
    ConfigurationRefused: 'A ztunnel refused what istiod sent it.',
    ZtunnelReconnects: 'A ztunnel loses istiod again and again.',
  },
  needs: { enrolled, syncs: attempt(firstSyncs), lost: attempt(terminations) },
  judge({ enrolled: { ztunnels: all }, syncs, lost }, { now }): Verdict {
    const ztunnels = all.filter((pod) => !isYoung(pod, now));
    if (ztunnels.length === 0) return skip('no ztunnel to be judged');
    const replicas = 'got' in syncs ? syncs.got : [];
    const missing = 'missing' in syncs ? [syncs.missing] : sorted(replicas.map(({ proxies }) => proxies)).missing;
    const proxies = proxiesIn(syncs);
    const connected = new Set(proxies.map(({ proxy }) => proxy));
    const own = new Set(ztunnels.map(proxyNamed));
    const refused = foundIn(
      proxies.filter(({ proxy }) => own.has(proxy)),
      'error',
    );
    const [refusal] = refused;
    const apart = ztunnels.filter((pod) => !connected.has(proxyNamed(pod)));
    const [first] = apart;
    const isTold = missing.length === 0 && replicas.length > 0;
    if (first && isTold) {
      const subjects = subjectsOf(apart);
      return {
        status: 'fail',
        reason: 'ZtunnelDisconnected',
        message: `${apart.length} of ${count(ztunnels.length, 'ztunnel')} connected to none of ${count(replicas.length, 'istiod')}: ${some(apart.map(titleOf))}`,
        evidence: linesOf(subjects),
        subjects,
        hint: `${shellLine('kubectl', '-n', first.namespace, 'logs', first.name, '--since=15m')} | grep -i xds`,
        mayFollowFrom: [ENROLLED],
      };
    }
    if (refusal)
      return {
        status: 'fail',
        reason: 'ConfigurationRefused',
        message: `${refusal.proxy} refused ${refusal.type.kind}: ${refusal.type.error.slice(0, 200)}`,
        evidence: refused.slice(0, 10).map(({ proxy, type }) => `${proxy}: ${type.error.slice(0, 300)}`),
        hint: shellLine('istioctl', 'proxy-status'),
      };
    const index = PodIndex.of(ztunnels);
    const often = ('got' in lost && lost.got ? seriesIn(lost.got) : []).flatMap(({ labels, value }) => {
      const pod =
        /^(ConnectionError|Error)$/.test(labels.get('reason') ?? '') && value > FEW ? index.podOf(labels) : null;
      return pod ? [{ pod, value: Math.round(value), reason: labels.get('reason') ?? '' }] : [];
    });
    const [worst] = [...often].sort((a, b) => b.value - a.value);
    if (worst)
      return {
        status: 'warn',
        reason: 'ZtunnelReconnects',
        message: `${count(new Set(often.map(({ pod }) => pod)).size, 'ztunnel')} lost istiod again and again: ${titleOf(worst.pod)} ${worst.value} times in 15 minutes (${worst.reason})`,
        evidence: often.slice(0, 10).map(({ pod, value, reason }) => `${titleOf(pod)}: ${reason} ${value} times`),
        hint: `${shellLine('kubectl', '-n', worst.pod.namespace, 'logs', worst.pod.name, '--since=15m')} | grep -i xds`,
      };
    if (!isTold)
      return isSome(missing)
        ? unknown(missing, 'whether each ztunnel is connected')
        : skip('no istiod runs in this cluster that could tell');
    return { status: 'pass', message: `${count(ztunnels.length, 'ztunnel')} connected` };
  },
});
