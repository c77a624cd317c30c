import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type Envoy, nameOf, unasked } from '../../evidence/envoy/asked.ts';
import { envoyDumps } from '../../evidence/envoy/dump.ts';
import { pilots } from '../../evidence/istio/pilot.ts';
import { isOn } from '../../evidence/kubernetes/pod.ts';
import { isAtLeast } from '../../istio/release.ts';

/** By its own environment, or by its annotation `proxy.istio.io/config`. */
const asksFor = ({ pod, container }: Envoy): boolean =>
  isOn(container.variables.ISTIO_META_HTTP10) ||
  /ISTIO_META_HTTP10["']?\s*:\s*["']?(1|true)/.test(pod.annotations['proxy.istio.io/config'] ?? '');

export const http10SwitchWorks = defineCheck({
  id: 'http10-switch-works',
  title: 'where HTTP/1.0 is switched on, proxies take it',
  explains:
    'HTTP/1.0 is switched on for the mesh by PILOT_HTTP10 on Pilot or istiod, or for one workload by ISTIO_META_HTTP10. Holds that against the listeners of a few proxies. Releases differ: none before 1.1; what sidecars send from 1.1 on; gateways since 1.2.10, what sidecars receive since 1.3. From 1.13 on, HTTP/1.0 to a port whose protocol is detected passes as TCP.',
  reasons: {
    NoSwitch: 'HTTP/1.0 is switched on, and this release knows no such switch.',
    SwitchWithoutEffect:
      'HTTP/1.0 is switched on, and listeners of a proxy do not take it: it has an older configuration.',
  },
  needs: { pilots, dumps: attempt(envoyDumps) },
  judge({ pilots, dumps }, { plane }) {
    const everywhere = pilots.some(({ pod }) => pod.containers.some(({ variables }) => isOn(variables.PILOT_HTTP10)));
    const told = 'got' in dumps ? dumps.got : [];
    const switched = told.filter((each) => everywhere || asksFor(each));
    if (!everywhere && switched.length === 0) {
      if ('missing' in dumps) return unknown([dumps.missing]);
      return skip('off, as Istio ships it: HTTP/1.0 gets 426');
    }
    const restart = (envoy: Envoy | undefined): string =>
      shellLine('kubectl', '-n', envoy?.pod.namespace ?? '', 'delete', 'pod', envoy?.pod.name ?? '');
    if (plane.version !== null && !isAtLeast(plane.version, '1.1'))
      return {
        status: 'warn',
        reason: 'NoSwitch',
        message: `Istio ${plane.version} has no switch for HTTP/1.0: 1.1 is the first`,
        hint: '# let the client speak HTTP/1.1',
      };
    const deaf = switched.filter(
      ({ said }) =>
        'got' in said &&
        said.got.listeners.some(
          ({ direction, chains }) => direction !== 'inbound' && chains.some(({ http10 }) => http10 === false),
        ) &&
        !said.got.listeners.some(({ chains }) => chains.some(({ http10 }) => http10 === true)),
    );
    if (deaf.length > 0)
      return {
        status: 'warn',
        reason: 'SwitchWithoutEffect',
        message: `HTTP/1.0 is switched on, and no listener of ${some(deaf.map(nameOf))} takes it`,
        hint: restart(deaf[0]),
      };
    const silent = unasked(switched);
    if (silent) return silent;
    if ('missing' in dumps) return unknown([dumps.missing]);
    return { status: 'pass', message: `on, and ${count(switched.length, 'proxy', 'proxies')} asked take it` };
  },
});
