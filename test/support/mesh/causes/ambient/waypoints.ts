import type { RecordedObject } from '../../../recordings.ts';
import { ambientShop } from '../../ambient/shop.ts';
import type { Waypoint } from '../../ambient/spec.ts';
import { definition, object } from '../../objects.ts';
import type { Built } from '../../scenario.ts';
import { app, call, type Spec, service } from '../../spec.ts';
import { type Cause, healthy, lost, warned } from '../cause.ts';

/** The shop in ambient, with one change. */
export function changedAmbient(change: (spec: Spec) => void, release?: string): Spec {
  const spec = ambientShop(release);
  change(spec);
  return spec;
}

/** The Service of that name, with these labels and no others. */
export function labelled(spec: Spec, name: string, labels: Record<string, string>): void {
  for (const each of spec.services) if (each.name === name) each.labels = labels;
}

/** The shop's waypoint, changed. */
export function changedWaypoint({ ambient }: Spec, change: Partial<Waypoint>): void {
  for (const each of ambient?.waypoints ?? []) Object.assign(each, change);
}

/** Changes the objects of a kind, and of a name where one is given, after the mesh is built. */
export const rewritten =
  (kind: string, change: (object: RecordedObject) => void, name?: string) =>
  ({ recording }: Built): void => {
    for (const each of recording.objects)
      if (each.kind === kind && (name === undefined || each.metadata.name === name)) change(each);
  };

const USES = 'istio.io/use-waypoint';

/** As the Gateway API's definition fills it in where no controller has written anything. */
const untaken = rewritten('Gateway', (gateway) => {
  gateway.status = {
    conditions: ['Accepted', 'Programmed'].map((type) => ({
      type,
      status: 'Unknown',
      reason: 'Pending',
      message: 'Waiting for controller',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    })),
  };
});

/** What no istiod took has neither a Deployment nor pods. */
function unmade(spec: Spec): void {
  changedWaypoint(spec, { programmed: false, replicas: 0 });
}

/** A second namespace with a workload that is called, and its Service. */
function withOffice(spec: Spec, labels: Record<string, string>): void {
  spec.namespaces.office = { 'istio.io/dataplane-mode': 'ambient' };
  spec.workloads.push(app('mail', { namespace: 'office', proxy: 'ambient' }));
  spec.services.push(service('mail', { namespace: 'office', labels }));
  spec.calls.push(call('web-v1', 'mail-v1', { service: { name: 'mail', namespace: 'office' } }));
}

const headless = (name: string) =>
  rewritten(
    'Service',
    (of) => {
      Object.assign(of.spec ?? {}, { clusterIP: 'None' });
    },
    name,
  );

const serviceEntry = (spec: object, status: object): RecordedObject =>
  object(
    'networking.istio.io/v1',
    'ServiceEntry',
    { name: 'bank', namespace: 'shop', labels: { [USES]: 'waypoint' } },
    {
      spec: {
        hosts: ['bank.example.com'],
        ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
        resolution: 'DNS',
        ...spec,
      },
      status,
    } as Partial<RecordedObject>,
  );

const ENTRIES = definition('ServiceEntry', 'serviceentries', 'networking.istio.io', ['v1', 'v1beta1', 'v1alpha3']);

const ATTACHED = {
  conditions: [
    {
      type: 'istio.io/WaypointBound',
      status: 'True',
      reason: 'WaypointAccepted',
      message: 'Successfully attached to waypoint shop/waypoint',
    },
  ],
};

/** What asks for a waypoint and is bound to it, or is not. */
export const waypointCauses: readonly Cause[] = [
  {
    name: 'nobody asks for a waypoint',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      labelled(spec, 'cart', {});
      if (spec.ambient) spec.ambient.waypoints = [];
    }),
    expect: healthy({ status: { waypoint: 'skip' } }),
  },
  {
    name: 'the waypoint is not there',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      if (spec.ambient) spec.ambient.waypoints = [];
    }),
    expect: lost('waypoint', ['WaypointMissing']),
  },
  {
    name: 'the waypoint was not there before istiod told of it',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      if (spec.ambient) spec.ambient.waypoints = [];
    }, '1.23.6'),
    expect: lost('waypoint', ['WaypointMissing']),
  },
  {
    name: 'the Gateway is of a class that nobody knows',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      unmade(spec);
      changedWaypoint(spec, { className: 'istio-waypoints' });
    }),
    after: untaken,
    expect: lost('waypoint', ['WaypointOfNobody', 'WaypointNotReady']),
  },
  {
    name: 'the Gateway is of no revision that runs',
    facts: 'istio/istio#53637',
    spec: changedAmbient((spec) => {
      spec.revision = '1-26';
      unmade(spec);
    }, '1.26.4'),
    after: untaken,
    expect: lost('waypoint', ['WaypointOfNobody', 'WaypointNotReady']),
  },
  {
    name: 'the waypoint was never programmed',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      unmade(spec);
    }),
    expect: lost('waypoint', ['WaypointHasNoPod', 'WaypointNotReady']),
  },
  {
    name: 'the waypoint has no pods any more, though all is bound',
    facts: 'public reports',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { replicas: 0 });
    }),
    expect: lost('waypoint', ['WaypointHasNoPod']),
  },
  {
    name: 'the waypoint’s only pod is not ready',
    facts: 'istiod 1.31',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { ready: [false] });
    }),
    expect: lost('waypoint', ['WaypointHasNoPod']),
  },
  {
    name: 'one of the waypoint’s pods is not ready',
    facts: 'istiod 1.31',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { replicas: 2, ready: [true, false] });
    }),
    expect: healthy(),
  },
  {
    name: 'the waypoint is for workloads only',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { serves: 'workload' });
    }),
    expect: lost('waypoint', ['WaypointServesOthers']),
  },
  {
    name: 'the waypoint does not say for whom it is',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { serves: null });
    }),
    expect: healthy(),
  },
  {
    name: 'the waypoint is for all',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { serves: 'all' });
    }),
    expect: healthy(),
  },
  {
    name: 'the waypoint takes nobody of another namespace',
    facts: 'istiod 1.31',
    spec: changedAmbient((spec) => {
      withOffice(spec, { [USES]: 'waypoint', 'istio.io/use-waypoint-namespace': 'shop' });
    }),
    expect: lost('waypoint', ['WaypointDenies']),
  },
  {
    name: 'the waypoint takes all namespaces',
    facts: 'istiod 1.31',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { allowedRoutes: 'All' });
      withOffice(spec, { [USES]: 'waypoint', 'istio.io/use-waypoint-namespace': 'shop' });
    }),
    expect: healthy(),
  },
  {
    name: 'a namespace asks for its waypoint, and a Service wants none',
    facts: 'istiod 1.31',
    spec: changedAmbient((spec) => {
      spec.namespaces.shop = { ...spec.namespaces.shop, [USES]: 'waypoint' };
      labelled(spec, 'cart', {});
      labelled(spec, 'db', { [USES]: 'none' });
      spec.namespaces.shop['istio.io/ingress-use-waypoint'] = 'true';
    }),
    expect: healthy(),
  },
  {
    name: 'a namespace asks for a waypoint that is not there',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      spec.namespaces.shop = { ...spec.namespaces.shop, [USES]: 'waypoints' };
      labelled(spec, 'cart', {});
    }),
    expect: lost('waypoint', ['WaypointMissing']),
  },
  {
    name: 'a Service with a waypoint has no address',
    facts: 'istio/istio#49149',
    spec: changedAmbient((spec) => {
      for (const each of spec.calls) if (each.to === 'cart-v1') each.past = 'by-addresses';
    }),
    after: headless('cart'),
    expect: warned('waypoint', ['HeadlessBound']),
  },
  {
    name: 'a pod asks for a waypoint that serves Services',
    facts: 'istiod 1.31',
    spec: changedAmbient((spec) => {
      for (const each of spec.workloads) if (each.name === 'prices-v1') each.labels = { [USES]: 'waypoint' };
    }),
    expect: lost('waypoint', ['WaypointServesOthers']),
  },
  {
    name: 'a Service that is another name asks for a waypoint with its namespace',
    facts: 'pilot/pkg/serviceregistry/ambient',
    spec: changedAmbient((spec) => {
      labelled(spec, 'cart', { [USES]: 'waypoint' });
      spec.objects.push(
        object(
          'v1',
          'Service',
          { name: 'elsewhere', namespace: 'shop', labels: { [USES]: 'gone' } },
          {
            spec: { type: 'ExternalName', externalName: 'bank.example.com' },
          },
        ),
      );
    }),
    expect: healthy(),
  },
  {
    name: 'a ServiceEntry with a waypoint has no address',
    facts: 'istio/istio#54981',
    spec: changedAmbient((spec) => {
      spec.objects.push(ENTRIES, serviceEntry({}, ATTACHED));
    }, '1.24.2'),
    expect: warned('waypoint', ['NoAddress']),
  },
  {
    name: 'a ServiceEntry with a waypoint was given an address',
    facts: 'istio/istio#54981',
    spec: changedAmbient((spec) => {
      const given = { ...ATTACHED, addresses: [{ value: '240.240.0.1', host: 'bank.example.com' }] };
      spec.objects.push(ENTRIES, serviceEntry({}, given));
      // Called as a Service is: the waypoint alone knows it by its host.
      spec.services.push(service('bank', { app: 'prices', labels: { [USES]: 'waypoint' } }));
      spec.calls.push(call('web-v1', 'prices-v1', { service: { name: 'bank', namespace: 'shop' } }));
      changedWaypoint(spec, {
        page: {
          rewrite: (text) =>
            text.replaceAll('destination_service_name="bank"', 'destination_service_name="bank.example.com"'),
        },
      });
    }),
    after: ({ recording }) => {
      recording.objects = recording.objects.filter(
        ({ kind, metadata }) => kind !== 'Service' || metadata.name !== 'bank',
      );
    },
    expect: healthy(),
  },
  {
    name: 'a ServiceEntry was given an address, and ztunnel answers no questions for names',
    facts: 'istio/istio#54981',
    spec: changedAmbient((spec) => {
      if (spec.ambient?.settings) spec.ambient.settings.AMBIENT_DNS_CAPTURE = 'false';
      spec.objects.push(
        ENTRIES,
        serviceEntry({}, { ...ATTACHED, addresses: [{ value: '240.240.0.1', host: 'bank.example.com' }] }),
      );
    }),
    expect: warned('waypoint', ['NoAddress']),
  },
  {
    name: 'a Service without an address lies beside one that has one',
    facts: 'istio/istio#49149',
    spec: changedAmbient((spec) => {
      spec.namespaces.shop = { ...spec.namespaces.shop, [USES]: 'waypoint', 'istio.io/ingress-use-waypoint': 'true' };
      labelled(spec, 'cart', {});
      spec.services.push(service('cart-pods', { app: 'cart' }));
    }),
    after: headless('cart-pods'),
    expect: healthy(),
  },
  {
    name: 'a Service has no address, and the waypoint is for its pods too',
    facts: 'istio/istio#49149',
    spec: changedAmbient((spec) => {
      spec.namespaces.shop = { ...spec.namespaces.shop, [USES]: 'waypoint', 'istio.io/ingress-use-waypoint': 'true' };
      labelled(spec, 'cart', {});
      changedWaypoint(spec, { serves: 'all' });
    }),
    after: headless('cart'),
    expect: healthy(),
  },
  {
    name: 'a ServiceEntry names a waypoint that is not there',
    facts: 'istiod 1.31',
    spec: changedAmbient((spec) => {
      const entry = serviceEntry({ addresses: ['240.240.1.1'] }, {});
      entry.metadata.labels = { [USES]: 'gone' };
      spec.objects.push(ENTRIES, entry);
    }),
    expect: lost('waypoint', ['WaypointMissing']),
  },
];
