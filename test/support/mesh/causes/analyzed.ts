import { call, service, workload } from '../spec.ts';
import { type Cause, changed, lost, override, telemetry, warned } from './cause.ts';

/** A mesh in which `istioctl analyze` finds something about metrics too: by which codes. */
interface Analyzed extends Cause {
  codes: readonly string[];
}

const AT = 'pkg/config/analysis/analyzers';

/** What istioctl finds, and finds in no mesh of the other causes. */
export const analyzedCauses: readonly Analyzed[] = [
  {
    name: 'a namespace has two labels for injection, and the one that wins is nobody’s',
    facts: `${AT}/injection`,
    codes: ['IST0123', 'IST0103'],
    spec: changed((spec) => {
      spec.revision = '1-31';
      spec.namespaces = { shop: { 'istio-injection': 'enabled', 'istio.io/rev': '1-31' } };
      workload(spec, 'cart-v1').proxy = 'none';
    }),
    expect: lost('in-mesh', ['RevisionIgnored']),
  },
  {
    name: 'two Telemetry objects select the same pods, and switch all off',
    facts: `${AT}/telemetry`,
    codes: ['IST0159'],
    spec: changed((spec) => {
      const off = [override(true)];
      const selecting = [
        { name: 'cart', labels: { app: 'cart' } },
        { name: 'first', labels: { version: 'v1' } },
      ];
      for (const { name, labels } of selecting) {
        const object = telemetry('shop', name, off);
        spec.objects.push({ ...object, spec: { ...object.spec, selector: { matchLabels: labels } } });
      }
      for (const each of spec.workloads) if (each.proxy === 'sidecar') each.told = [];
    }),
    expect: lost('telemetry-config', ['MetricsDisabled']),
  },
  {
    name: 'of two Telemetry objects without a selector the newer one says what the older one says',
    facts: `${AT}/telemetry`,
    codes: ['IST0160'],
    spec: changed((spec) => {
      for (const day of ['20', '21'])
        spec.objects.push(telemetry('shop', `of-${day}`, [override(false)], { at: `2026-11-${day}T08:00:00Z` }));
    }),
    expect: warned('telemetry-config', ['TelemetryIgnored']),
  },
  {
    name: 'a port has a name of no protocol, and what is sent is no HTTP',
    facts: `${AT}/service`,
    codes: ['IST0118'],
    command: 'missing-metrics service/cart -n shop',
    spec: changed((spec) => {
      for (const each of spec.services) if (each.name === 'cart') each.portName = 'shopping';
      for (const each of spec.calls)
        if (each.to === 'cart-v1') Object.assign(each, { protocol: 'tcp', codes: { '0': 50 } });
    }),
    expect: lost('protocol', ['HttpNotRecognised']),
  },
  {
    name: 'two Services have one port of a pod by other numbers',
    facts: `${AT}/deployment`,
    codes: ['IST0137'],
    spec: changed((spec) => {
      for (const each of spec.services) if (each.name === 'cart') each.createdAt = '2026-01-01T00:00:00Z';
      spec.services.push(service('cart-canary', { app: 'cart', port: 81, createdAt: '2026-02-01T00:00:00Z' }));
      spec.calls.push(
        call('web-v1', 'cart-v1', { service: { name: 'cart-canary', namespace: 'shop' }, reporters: ['source'] }),
      );
    }),
    expect: warned('stored', ['CountedForOtherService']),
  },
];
