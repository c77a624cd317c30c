import { shellLine } from '../../../../cluster/question/shell.ts';
import { type Attempt, defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { type Enrolled, enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { FLAGS, failures, flows } from '../../../../evidence/ambient/series.ts';
import { grouped } from '../../../../evidence/kubernetes/lists.ts';
import { workloadOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import type { StoreAnswer } from '../../../../evidence/prometheus/store.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { endOf, total } from '../../prometheus/rates.ts';

type Flag = (typeof FLAGS)[number];

/** What each flag means, and what is looked at next (ztunnel, src/proxy/metrics.rs). */
const MEANS: Readonly<Record<Flag, { reason: string; words: string; look: string }>> = {
  DENY: {
    reason: 'ConnectionsDenied',
    words: 'an AuthorizationPolicy or PeerAuthentication denies them at L4',
    look: 'kubectl get authorizationpolicies.security.istio.io,peerauthentications.security.istio.io --all-namespaces   # with a selector, or none: ztunnel enforces those; behind a waypoint the caller is the waypoint',
  },
  CONNECT: {
    reason: 'ConnectionsFail',
    words: 'nobody answers, or answers as somebody else, or refuses',
    look: '',
  },
  TLS_FAILURE: { reason: 'TlsFails', words: 'mutual TLS fails', look: '' },
  H2_HANDSHAKE_FAILURE: { reason: 'TlsFails', words: 'the peer does not speak HBONE', look: '' },
  NETWORK_POLICY: {
    reason: 'HboneBarred',
    words: 'connections to port 15008 time out, as where a NetworkPolicy does not admit HBONE',
    look: 'kubectl get networkpolicies.networking.k8s.io --all-namespaces   # each that selects pods in ambient must admit port 15008',
  },
  IDENTITY_ERROR: {
    reason: 'NoCertificates',
    words: 'ztunnel gets no certificates for the pods that it carries',
    look: `kubectl -n istio-system get deployments -l app=istiod -o jsonpath='{.items[*].spec.template.spec.containers[*].env[?(@.name=="CA_TRUSTED_NODE_ACCOUNTS")].value}'   # must name ztunnel’s service account`,
  },
  CERT_REVOKED: { reason: 'CertificateRevoked', words: 'certificates are revoked', look: '' },
};

/** So few in a quarter of an hour are not spoken of: a rollout, a client that gave up. */
const FEW = 5;

const isFlag = (flag: string): flag is Flag => (FLAGS as readonly string[]).includes(flag);

/** `shop/web to shop/cart`, by the Service where it is known. */
function between(each: Series): string {
  const service = endOf(each, 'destination_service');
  const to = /unknown|^\/?$/.test(service) ? endOf(each, 'destination_workload') : service;
  return `${endOf(each, 'source_workload')} to ${to}`;
}

/** Of the pods that are looked at, at either end. */
function own(series: readonly Series[], { members, waypoints }: Enrolled): readonly Series[] {
  const names = new Set([...members.map(({ pod }) => workloadOf(pod)), ...waypoints.map(workloadOf)]);
  return series.filter(
    (each) => names.has(endOf(each, 'source_workload')) || names.has(endOf(each, 'destination_workload')),
  );
}

export const connectionsSucceed = defineCheck({
  id: 'connections-succeed',
  title: 'connections in ambient succeed',
  explains:
    'A connection that fails at L4 makes no request, and so no L7 metric: what is missing then was never there. ztunnel flags it when it is closed (istio_tcp_connections_closed_total; DENY since 1.22 and at the destination alone before 1.29, the others since 1.29): DENY, a policy; CONNECT, nobody answers, or denies it at the other end; NETWORK_POLICY, port 15008 times out; TLS_FAILURE, H2_HANDSHAKE_FAILURE; IDENTITY_ERROR, no certificate; CERT_REVOKED. A policy with rules for HTTP denies more than it says where ztunnel enforces it, and once a waypoint is used the caller that ztunnel sees is the waypoint.',
  reasons: {
    ConnectionsDenied: 'Policies deny connections at L4: requests that would come over them are never made.',
    ConnectionsFail: 'Connections fail: nobody answers, somebody else answers, or the other end refuses.',
    TlsFails: 'Mutual TLS between ztunnels, or with a waypoint, fails.',
    HboneBarred: 'Connections to port 15008 time out: most often a NetworkPolicy that does not admit HBONE.',
    NoCertificates:
      'ztunnel gets no certificates for the pods that it carries: istiod does not trust its service account, or does not answer.',
    CertificateRevoked: 'The certificates of peers are revoked.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { enrolled, failures: attempt(failures), flows: attempt(flows) },
  judge({ enrolled, failures, flows }, { plane }): Verdict {
    if ('missing' in failures) return unknown([failures.missing], 'which connections fail');
    const nothing = nothingIn(failures.got);
    if (nothing) return nothing;
    const found = own(seriesIn(failures.got), enrolled);
    const byFlag = grouped(found, ({ labels }) => {
      const flag = labels.get('response_flags') ?? '';
      return isFlag(flag) ? flag : null;
    });
    const [worst, ...others] = [...byFlag]
      .map(([flag, series]) => ({ flag, series, number: Math.round(total(series)) }))
      .filter(({ number }) => number >= FEW)
      .sort((a, b) => Number(b.flag !== 'CONNECT') - Number(a.flag !== 'CONNECT') || b.number - a.number);
    const passing = 'got' in flows ? own(seriesIn(flows.got), enrolled) : [];
    const unseen = unseenIn(flows);
    if (!worst) {
      const gap = notWhole(gapsIn([failures.got]));
      if (gap) return gap;
      return passing.length === 0
        ? (unseen ?? skip('no connection in ten minutes to look at'))
        : { status: 'pass', message: `between ${count(new Set(passing.map(between)).size, 'pair')} of workloads` };
    }
    const { flag, series, number } = worst;
    const pairs = [...grouped(series, between)]
      .map(([pair, own]) => ({ pair, number: Math.round(total(own)) }))
      .sort((a, b) => b.number - a.number);
    const isAll = flag === 'IDENTITY_ERROR' && passing.length === 0 && unseen === null;
    const { reason, words, look } = MEANS[flag];
    return {
      status: isAll ? 'fail' : 'warn',
      reason,
      message: `${count(number, 'connection')} ended with ${flag} in 15 minutes, ${words}: ${some(pairs.map(({ pair }) => pair))}`,
      evidence: [
        ...pairs.slice(0, 8).map((each) => `${each.pair}: ${each.number} ${flag}`),
        ...others.slice(0, 2).map((each) => `and ${each.number} with ${each.flag}`),
      ],
      hint: look || askZtunnel(enrolled, plane.namespace ?? 'istio-system'),
    };
  },
});

/** Why it is not known whether anything flows; null where it is. */
function unseenIn(flows: Attempt<StoreAnswer | null>): Verdict | null {
  if ('missing' in flows) return unknown([flows.missing], 'which connections there are');
  return notWhole(gapsIn([flows.got]), 'which connections there are');
}

/** With a selector kubectl shows the last ten lines of each pod, unless it is told otherwise. */
function askZtunnel({ ztunnels: [ztunnel] }: Enrolled, istio: string): string {
  const namespace = ztunnel?.namespace ?? istio;
  return `${shellLine('kubectl', '-n', namespace, 'logs', '-l', 'app=ztunnel', '--since=15m', '--tail=-1', '--prefix')} | grep error=`;
}
