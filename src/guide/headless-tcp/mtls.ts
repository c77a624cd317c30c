import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { calls } from '../../evidence/istio/calls.ts';
import { type ClientTls, clientTls, peerAuthentications, spokenTo } from '../../evidence/istio/mtls.ts';
import { answersOn, behind, TLS_MODE, takesTls } from '../../evidence/istio/servers.ts';
import { allPods, byNamespace } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import type { Pod } from '../../evidence/kubernetes/pod.ts';
import { targetOf } from '../../evidence/kubernetes/service.ts';
import { isWildcard } from '../../istio/hosts.ts';
import {
  indexPeerAuthentications,
  isByPeerAuthentication,
  mtlsModeOf,
  NOT_LOOKED_AT,
  type PeerAuthentications,
} from '../../istio/mtls.ts';

/** What callers speak to the pods that answer in one way. */
interface Found extends ClientTls {
  pods: readonly Pod[];
}

/** The pods to which Istio by itself speaks by their label, which does not fit what is there. */
const mislabelled = ({ said, pods }: Found, label: boolean): readonly Pod[] =>
  said ? [] : pods.filter((pod) => takesTls(pod) === label);

/** Behind a message: whose label is why. */
function labelsOf(all: readonly Found[], label: boolean): string {
  const pods = new Set(all.flatMap((each) => mislabelled(each, label)).map(titleOf));
  return pods.size === 0 ? '' : `; ${label ? '' : 'not '}labelled ${TLS_MODE}=istio: ${some([...pods])}`;
}

/** The command for the rule, with what to do there; where there is none, for the pod whose label is wrong, or what to write. */
function cureOf(found: Found, there: string, without: string, label?: boolean): string {
  const { said, service } = found;
  if (said)
    return `${shellLine('kubectl', '-n', said.rule.namespace, 'edit', 'destinationrule', said.rule.name)}   # ${there}`;
  const [pod] = label === undefined ? [] : mislabelled(found, label);
  if (pod)
    return `${shellLine('kubectl', '-n', pod.namespace, 'get', 'pods', pod.name, '-L', TLS_MODE)}   # ${label ? 'give it a proxy, or take the label out of its template' : `let its template say ${TLS_MODE}=istio`}`;
  const get = ['get', 'peerauthentications.security.istio.io,destinationrules.networking.istio.io', '-o', 'yaml'];
  return `${shellLine('kubectl', '-n', service.namespace, ...get)}   # ${without}`;
}

/** `DestinationRule bookinfo/r (ISTIO_MUTUAL) to bookinfo/redis`, with the subset, and the port where it is not all of them. */
function wordsOf(all: readonly ClientTls[]): readonly string[] {
  const groups = new Map<string, ClientTls[]>();
  for (const each of all) {
    const subset = each.subset ? ` subset ${each.subset.name}` : '';
    const { said, speaks } = each;
    const by = said
      ? `DestinationRule ${titleOf(said.rule)} (${said.mode})`
      : `Istio by itself (${speaks === 'plain' ? 'plain text' : speaks === 'by pod' || speaks === 'by label' ? 'pod by pod' : 'mutual TLS'})`;
    const key = `${by} to ${titleOf(each.service)}${subset}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups].map(([words, same]) => {
    const ports = new Set(same.map(({ port }) => port.port));
    const isWhole = same.every(({ service }) =>
      service.ports.every(({ port, protocol }) => protocol !== 'TCP' || ports.has(port)),
    );
    return isWhole ? words : `${words} port ${[...ports].join(', ')}`;
  });
}

const callersOf = (all: readonly ClientTls[]): string => some([...new Set(all.flatMap(({ callers }) => callers))]);

/** A rule for all of a domain takes in namespaces that nobody in the mesh may call, and so does Istio by itself. */
const isMeant = ({ said, callers, service }: ClientTls): boolean =>
  (said && !isWildcard(said.rule.host)) || callers.includes(service.namespace);

/** How a pod answers what callers speak to it; whether it understands TLS of a rule's own, nothing here tells. */
type Outcome =
  | 'understood'
  | 'without proxy'
  | 'kept from proxy'
  | 'mutual refused'
  | 'plain refused'
  | 'not seen'
  | 'not judged';

/** Without `rules` it is not known what a proxy takes. */
function outcomeOf(
  { service, port, said, speaks }: ClientTls,
  pod: Pod,
  rules: PeerAuthentications | null,
  root: string,
): Outcome {
  const target = targetOf(port, pod);
  const by = target === null ? null : answersOn(pod, target);
  const mode = target === null ? null : rules && mtlsModeOf(rules, pod, target, root);
  if (speaks === 'other' || said?.mode === 'SIMPLE') {
    const isProxys = by === 'sidecar' || (by === 'ztunnel' && service.headless);
    if (isProxys && mode === null) return 'not seen';
    return isProxys && speaks === 'plain' && mode === 'STRICT' ? 'plain refused' : 'not judged';
  }
  if (target === null || by === null) return 'understood';
  const spoken = spokenTo({ speaks }, pod, mode);
  if (by === 'nobody') {
    if (spoken === null) return takesTls(pod) ? 'not seen' : 'understood';
    return spoken === 'mutual' ? 'without proxy' : 'understood';
  }
  if (by === 'application' && spoken !== null) return spoken === 'mutual' ? 'kept from proxy' : 'understood';
  // What goes to ztunnel goes in its tunnel, whatever a rule says; of a headless Service nothing is known of single pods.
  if (by === 'ztunnel' && !(service.headless && said && spoken === 'plain')) return 'understood';
  if (mode === null || spoken === null) return 'not seen';
  if (spoken === 'plain') return mode === 'STRICT' ? 'plain refused' : 'understood';
  return mode === 'DISABLE' ? 'mutual refused' : 'understood';
}

export const mtlsIsUnderstood = defineCheck({
  id: 'mtls-is-understood',
  title: 'callers and pods agree on mutual TLS',
  explains:
    'A DestinationRule that says ISTIO_MUTUAL makes callers speak mutual TLS also to pods without a proxy, which do not understand it; one that says DISABLE or SIMPLE makes them speak to proxies in another way than a PeerAuthentication with STRICT takes. Either resets the connection. Whether pods understand TLS of a rule’s own, SIMPLE or MUTUAL, is not looked at beyond that. Judged for each port, and for the subsets that rules lead to: by the rule that callers apply (a subset’s word before the rule’s, a port’s before that for all), and by the PeerAuthentication of the pod’s port, its labels, its namespace, or the mesh, in that order. A port that `traffic.sidecar.istio.io/excludeInboundPorts` keeps from the sidecar is plain text, whatever a PeerAuthentication says. Without a mode in a rule Istio finds out by itself, pod by pod, and is mistaken in some cases: it takes a pod with the label `security.istio.io/tlsMode=istio`, and no other, for one with a sidecar; it does not know what is kept from that; where a namespace says DISABLE it sends plain text to pods that say STRICT; and of a headless Service it does not tell pods apart. What pods of before 1.6 take is not looked at.',
  reasons: {
    MtlsWithoutProxy:
      'By a DestinationRule, or by the label of the pods, callers speak mutual TLS to pods that have no proxy: connections are reset.',
    MtlsNotTaken:
      'By a DestinationRule, or by Istio’s own finding, callers speak mutual TLS to a port where the pods’ proxies take none, or are passed by.',
    StrictRefusesPlain:
      'By a DestinationRule, or by Istio’s own finding, callers speak something else than mutual TLS to pods that take nothing else: connections are reset.',
  },
  needs: { tls: clientTls, pods: allPods, calls, peers: attempt(peerAuthentications) },
  judge({ tls, pods, calls, peers }, { plane }) {
    const unseen = 'missing' in peers ? peers.missing : peers.got.refusal;
    const rules = 'got' in peers && !unseen ? indexPeerAuthentications(peers.got.items) : null;
    const podsOf = byNamespace(pods.items);
    const judged = tls.map((each) => {
      const own = behind(each.service, podsOf(each.service.namespace), each.subset);
      return { each, own: own.map((pod) => ({ pod, outcome: outcomeOf(each, pod, rules, calls.routing.root) })) };
    });
    /** Of what Istio speaks pod by pod, that which these pods get. */
    const having = (gets: 'plain' | 'mutual', ...which: readonly Outcome[]): readonly Found[] =>
      judged.flatMap(({ each, own }) => {
        const pods = own.filter(({ outcome }) => which.includes(outcome)).map(({ pod }) => pod);
        return pods.length === 0
          ? []
          : [{ ...each, speaks: each.speaks?.startsWith('by ') ? gets : each.speaks, pods }];
      });
    // A rule that was not seen may say something else.
    const isSure = (each: ClientTls): boolean => isMeant(each) && (each.said !== null || !isSome(calls.missing));

    const naked = having('mutual', 'without proxy').filter(isSure);
    const [first] = naked;
    if (first)
      return {
        status: 'fail',
        reason: 'MtlsWithoutProxy',
        message: `pods without a proxy get mutual TLS: ${some(wordsOf(naked))}, from ${callersOf(naked)}${labelsOf(naked, true)}`,
        hint: cureOf(first, `or a DestinationRule with tls mode DISABLE for ${first.service.name}`, '', true),
      };
    const refused = having('plain', 'plain refused').filter((each) => each.said || isSure(each));
    const [shut] = refused;
    if (shut)
      return {
        status: 'fail',
        reason: 'StrictRefusesPlain',
        message: `pods that take mutual TLS only get something else: ${some(wordsOf(refused))}${labelsOf(refused, false)}`,
        hint: cureOf(
          shut,
          'no tls mode, or ISTIO_MUTUAL',
          `a DestinationRule with tls mode ISTIO_MUTUAL for ${shut.service.name}, or PERMISSIVE for its pods`,
          false,
        ),
      };
    const untaken = (all: readonly Found[]) => {
      const [worst] = all;
      return (
        worst && {
          reason: 'MtlsNotTaken',
          message: `ports that take plain text only get mutual TLS: ${some(wordsOf(all))}, from ${callersOf(all)}`,
          hint: cureOf(
            worst,
            `tls mode DISABLE for port ${worst.port.port}, in portLevelSettings`,
            `a DestinationRule with tls mode DISABLE for port ${worst.port.port} of ${worst.service.name}`,
          ),
        }
      );
    };
    const plain = having('mutual', 'mutual refused', 'kept from proxy').filter(isMeant);
    const named = plain.filter(({ said }) => said && !isWildcard(said.rule.host));
    const failure = untaken(named);
    if (failure) return { status: 'fail', ...failure };
    if (unseen && having('plain', 'not seen').length > 0)
      return unknown([unseen], 'not every PeerAuthentication was seen');
    if (isSome(calls.missing)) return unknown(calls.missing, 'not every rule was seen');
    if (pods.refusal) return unknown([pods.refusal], 'not every pod was seen');
    // A port may be plain for callers without a proxy: neither Istio nor a rule for all of a domain has it in mind.
    const warning = untaken(plain);
    if (warning) return { status: 'warn', ...warning };
    if (tls.length === 0) return skip('no DestinationRule that callers apply names a mode of TLS');
    const unjudged = having('plain', 'not judged');
    const sound = judged
      .filter(({ own }) => own.every(({ outcome }) => outcome !== 'not judged'))
      .map(({ each }) => each);
    const left = `TLS of a rule’s own is not looked at: ${some(wordsOf(unjudged))}`;
    if (sound.length === 0) return skip(left);
    if (!isByPeerAuthentication(plane.version)) return skip(`${NOT_LOOKED_AT}: ${some(wordsOf(sound))}`);
    return {
      status: 'pass',
      message: `${count(new Set(sound.map(({ service }) => service)).size, 'Service')} with a mode of TLS: ${some(wordsOf(sound))}${unjudged.length > 0 ? `; ${left}` : ''}`,
    };
  },
});
