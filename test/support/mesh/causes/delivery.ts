import { type Spec, workload } from '../spec.ts';
import { type Cause, changed, lost } from './cause.ts';

/** As istiod 1.31 had it of an Envoy that lacks Istio's own filters. */
const REFUSAL =
  "Error adding/updating listener(s) virtualInbound: Didn't find a registered implementation for 'istio.stats' with type URL: 'stats.PluginConfig'\n";

function refusing(spec: Spec): void {
  for (const name of ['cart-v1', 'prices-v1']) {
    const each = workload(spec, name);
    each.refusal = REFUSAL;
    each.page = { hasFilter: false, refusedListeners: 12 };
  }
}

/** Istio tells, and the proxy does not take it. */
export const deliveryCauses: readonly Cause[] = [
  {
    name: 'two proxies refuse their listeners',
    facts: 'modern.md 5.3',
    spec: changed(refusing),
    expect: lost('config-delivery', ['StatsFilterRefused'], {
      neverFail: ['in-mesh', 'telemetry-config', 'consumers'],
    }),
  },
  {
    name: 'two proxies refuse their listeners, and istiod does not say why',
    facts: 'modern.md 5.3',
    spec: changed(refusing, '1.20.8'),
    expect: lost('config-delivery', ['ListenersRefused'], { neverFail: ['in-mesh', 'telemetry-config', 'consumers'] }),
  },
];
