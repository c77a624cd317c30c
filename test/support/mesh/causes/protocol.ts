import type { ServiceSpec, Spec } from '../spec.ts';
import { type Cause, changed, healthy, lost } from './cause.ts';

/** The cart's port is taken for TCP, and so is all that is sent to it. */
function asTcp(spec: Spec, change: Partial<ServiceSpec>): void {
  for (const each of spec.services) if (each.name === 'cart') Object.assign(each, change);
  for (const each of spec.calls)
    if (each.to === 'cart-v1') Object.assign(each, { protocol: 'tcp', codes: { '0': 50 } });
}

/** What only a person knows fails for the workload that is named, and warns at most for a mesh. */
const atMostAWarning = { ...healthy(), status: { protocol: ['warn', 'pass'] } };

/** HTTP that Istio takes for TCP. */
export const protocolCauses: readonly Cause[] = [
  {
    name: 'the protocol of an application beats the name of its port',
    facts: 'modern.md 2d',
    spec: changed((spec) => asTcp(spec, { portName: 'http-web', appProtocol: 'tcp' })),
    command: 'missing-metrics service/cart -n shop',
    expect: lost('protocol', ['HttpTakenForTcp']),
  },
  {
    name: 'a port is named tcp, and a whole mesh is looked at',
    facts: 'modern.md 5.8',
    spec: changed((spec) => asTcp(spec, { portName: 'tcp-web' })),
    expect: atMostAWarning,
  },
  {
    name: 'a port without a name has the number of a database',
    facts: 'modern.md 2d',
    spec: changed((spec) => {
      for (const each of spec.services) if (each.name === 'db') each.portName = '';
    }),
    expect: healthy(),
  },
];
