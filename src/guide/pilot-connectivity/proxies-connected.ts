import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { allSyncs } from '../../evidence/istio/pilot.ts';
import { expectedProxies } from '../../evidence/istio/proxies.ts';
import { podOfProxy, proxyNamed } from '../../evidence/istio/sync.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isAtLeast } from '../../istio/release.ts';
import { docs, PILOT_RUNNING, PROXIES_CONNECTED, REGISTRATION } from './steps.ts';

export const proxiesAreConnected = defineCheck({
  id: 'proxies-are-connected',
  title: 'every proxy is connected to a replica of Pilot',
  explains:
    'Holds the running pods with a proxy, older than a minute, against what every replica lists in /debug/syncz (0.8: adsz). A proxy is connected to one replica only, so that one which cannot be asked leaves the answer open.',
  reasons: {
    ProxiesMissing: 'A proxy runs and no replica of Pilot lists it: it keeps an old configuration, or has none.',
  },
  needs: { expected: expectedProxies, syncs: allSyncs },
  judge({ expected, syncs }) {
    const { got, missing } = sorted(syncs.map(({ proxies }) => proxies));
    const connected = new Set(got.flat().map(({ proxy }) => proxy));
    const absent = expected.pods.filter((pod) => !connected.has(proxyNamed(pod)));
    const young = expected.young > 0 ? `; ${expected.young} younger than a minute` : '';
    if (expected.pods.length === 0 && expected.refusal)
      return unknown([expected.refusal], 'the proxies could not be listed');
    if (expected.pods.length === 0) return skip(`no proxy to be connected${young}`);
    if (absent.length === 0)
      return {
        status: 'pass',
        message: `all ${count(expected.pods.length, 'proxy', 'proxies')} on ${count(got.length, 'replica')}${young}`,
      };
    if (isSome(missing))
      return unknown(
        missing,
        `${absent.length} of ${count(expected.pods.length, 'proxy', 'proxies')} may be on a replica that could not be asked`,
      );
    const [first] = absent;
    if (got.length === 0)
      return {
        status: 'fail',
        reason: 'ProxiesMissing',
        message: `no replica of Pilot runs for ${count(absent.length, 'proxy', 'proxies')}`,
        hint: shellLine('kubectl', 'get', 'pods', '--all-namespaces', '-l', 'istio=pilot'),
        mayFollowFrom: [PILOT_RUNNING, REGISTRATION],
        // Their control plane may be in another cluster.
        withoutCause: 'unknown',
      };
    return {
      status: 'fail',
      reason: 'ProxiesMissing',
      message: `no replica lists ${some(absent.map(titleOf))} (${absent.length} of ${count(expected.pods.length, 'proxy', 'proxies')})`,
      evidence: absent
        .slice(0, 20)
        .map((pod) => `${titleOf(pod)}: ${pod.ready ? 'ready' : 'not ready'}, ${pod.restarts} restarts`),
      hint: shellLine(
        'kubectl',
        '-n',
        first?.namespace ?? '',
        'logs',
        first?.name ?? '',
        '-c',
        'istio-proxy',
        '--tail=200',
      ),
      mayFollowFrom: [PILOT_RUNNING, REGISTRATION],
    };
  },
});

/** `1.30` of `1.30.2`; null of what is no release. */
const minorOf = (version: string | null): number | null => {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return minor === undefined || Number(major) !== 1 ? null : Number(minor);
};

export const proxiesNearVersion = defineCheck({
  id: 'proxies-near-version',
  title: 'proxies are at most one minor release from their control plane',
  explains:
    'Compares the release that each connected proxy reports with that of the replica it is connected to. Istio supports one minor release apart; what is further works until it does not.',
  reasons: { ProxiesOutdated: 'A proxy is two or more minor releases from its control plane: restart its pod.' },
  needs: { syncs: allSyncs, expected: expectedProxies },
  judge({ syncs, expected }, { plane }) {
    const own = new Set(expected.pods.map(({ name, namespace }) => `${name}.${namespace}`));
    if (plane.version !== null && !isAtLeast(plane.version, '1.0')) return skip('0.8 does not tell');
    const told = syncs.flatMap(({ pilot, proxies }) =>
      'got' in proxies
        ? proxies.got
            .filter(({ proxy }) => own.has(proxy))
            .flatMap(({ proxy, version }) => {
              const [own, theirs] = [minorOf(pilot.version), minorOf(version)];
              return own === null || theirs === null
                ? []
                : [{ proxy, version, apart: Math.abs(own - theirs), of: pilot.version }];
            })
        : [],
    );
    if (told.length === 0) {
      const { missing } = sorted(syncs.map(({ proxies }) => proxies));
      return isSome(missing) ? unknown(missing) : skip('no connected proxy tells its release');
    }
    const far = told.filter(({ apart }) => apart > 1);
    const [first] = far;
    if (!first)
      return { status: 'pass', message: `${count(told.length, 'proxy', 'proxies')} within one minor release` };
    const { pod, namespace } = podOfProxy(first.proxy);
    return {
      status: 'warn',
      reason: 'ProxiesOutdated',
      message: `${some(far.map(({ proxy, version }) => `${proxy} ${version}`))}, with a control plane of ${first.of}`,
      hint: shellLine('kubectl', '-n', namespace, 'delete', 'pod', pod),
    };
  },
});

export const proxiesConnected: Step = {
  id: PROXIES_CONNECTED,
  title: 'Verify every proxy is connected to Pilot',
  hop: null,
  docs,
  checks: [proxiesAreConnected, proxiesNearVersion],
};
