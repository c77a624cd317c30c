import { shellLine } from '../../cluster/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { calls } from '../../evidence/calls.ts';
import { allPods, selects } from '../../evidence/kubernetes.ts';
import { type ClientTls, clientTls, peerAuthentications } from '../../evidence/mtls.ts';
import { titleOf } from '../../evidence/named.ts';
import { isRunning, type Pod } from '../../evidence/pod.ts';
import { proxyContainerOf } from '../../evidence/proxies.ts';
import { isWildcard } from '../../istio/hosts.ts';
import { mtlsModeOf } from '../../istio/mtls.ts';

const isAmbient = ({ annotations }: Pod): boolean => annotations['ambient.istio.io/redirection'] === 'enabled';

const edit = ({ rule }: ClientTls): string =>
  shellLine('kubectl', '-n', rule.namespace, 'edit', 'destinationrule', rule.name);

/** The running pods behind a Service. */
const behind = ({ service }: ClientTls, pods: readonly Pod[]): readonly Pod[] =>
  pods.filter((pod) => pod.namespace === service.namespace && isRunning(pod) && selects(service.selector, pod.labels));

export const mtlsIsUnderstood = defineCheck({
  id: 'mtls-is-understood',
  title: 'callers and pods agree on mutual TLS',
  explains:
    'A DestinationRule that says ISTIO_MUTUAL makes callers speak mutual TLS also to pods without a proxy, which do not understand it; one that says DISABLE or SIMPLE makes them speak to proxies in another way than a PeerAuthentication with STRICT takes. Either resets the connection. Judged by the rule that callers apply, and by the PeerAuthentication of the pod’s port, its labels, its namespace, or the mesh, in that order. Without a mode in a rule Istio finds out by itself.',
  reasons: {
    MtlsWithoutProxy:
      'A DestinationRule makes callers speak mutual TLS to pods that have no proxy: connections are reset.',
    StrictRefusesPlain:
      'A DestinationRule keeps callers from mutual TLS, and the pods take nothing else: connections are reset.',
  },
  needs: { tls: clientTls, pods: allPods, calls, peers: attempt(peerAuthentications) },
  judge({ tls, pods, calls, peers }) {
    const naked = tls.filter(
      (each) =>
        each.mode === 'ISTIO_MUTUAL' &&
        // A rule for all of a domain takes in namespaces that nobody in the mesh may call.
        (!isWildcard(each.rule.host) || each.callers.includes(each.service.namespace)) &&
        behind(each, pods.items).some((pod) => proxyContainerOf(pod) === undefined && !isAmbient(pod)),
    );
    const words = (each: ClientTls): string =>
      `DestinationRule ${titleOf(each.rule)} (${each.mode}) to ${titleOf(each.service)}`;
    const [first] = naked;
    if (first)
      return {
        status: 'fail',
        reason: 'MtlsWithoutProxy',
        message: `pods without a proxy get mutual TLS: ${some(naked.map(words))}, from ${some([...new Set(naked.flatMap(({ callers }) => callers))])}`,
        hint: `${edit(first)}   # or a DestinationRule with tls mode DISABLE for ${first.service.name}`,
      };
    const plain = tls.filter(({ mode }) => mode === 'DISABLE' || mode === 'SIMPLE');
    if ('missing' in peers && plain.length > 0) return unknown([peers.missing]);
    const refused = plain.filter((each) =>
      behind(each, pods.items).some(
        (pod) =>
          (proxyContainerOf(pod) !== undefined || isAmbient(pod)) &&
          'got' in peers &&
          each.service.ports.some(
            ({ targetPort }) =>
              typeof targetPort === 'number' &&
              mtlsModeOf(peers.got.items, pod, targetPort, calls.routing.root) === 'STRICT',
          ),
      ),
    );
    const [shut] = refused;
    if (shut)
      return {
        status: 'fail',
        reason: 'StrictRefusesPlain',
        message: `pods that take mutual TLS only get something else: ${some(refused.map(words))}`,
        hint: edit(shut),
      };
    if (isSome(calls.missing)) return unknown(calls.missing, 'not every rule was seen');
    if (pods.refusal) return unknown([pods.refusal], 'not every pod was seen');
    if (tls.length === 0) return skip('no DestinationRule that callers apply names a mode of TLS');
    return { status: 'pass', message: `${count(tls.length, 'Service')} with a mode of TLS: ${some(tls.map(words))}` };
  },
});
