import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck } from '../../../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { emitters } from '../../../../evidence/istio/emitters.ts';
import { allServices, byNamespace, selects } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { type Service, type ServicePort, targetOf } from '../../../../evidence/kubernetes/service.ts';
import { toServices } from '../../../../evidence/prometheus/mesh-series.ts';
import { nothingIn, seriesIn } from '../../prometheus/answers.ts';
import { endOf, isTraffic, ratesBy, reportedBy } from '../../prometheus/rates.ts';

/** The pods of which one port is led to by two Services, as far as `isMeant` holds for their two ports. */
const sharing = (
  one: Service,
  other: Service,
  pods: readonly Pod[],
  isMeant: (port: ServicePort, each: ServicePort) => boolean = () => true,
): readonly Pod[] =>
  pods.filter(
    (pod) =>
      selects(one.selector, pod.labels) &&
      selects(other.selector, pod.labels) &&
      one.ports.some((port) => {
        const target = targetOf(port, pod);
        return target !== null && other.ports.some((each) => targetOf(each, pod) === target && isMeant(port, each));
      }),
  );

/** What `istioctl analyze` says, where the two Services have other numbers for the port (analyzers/deployment/services.go). */
function analyzed(pairs: readonly { service: Service; other: Service; pods: readonly Pod[] }[]): readonly string[] {
  const owners = pairs.flatMap(({ service, other, pods }) =>
    subjectsOf(sharing(service, other, pods, (port, each) => port.port !== each.port)),
  );
  const names = [...new Set(owners.filter(({ kind }) => kind === 'Deployment').map(titleOf))];
  return names.length === 0 ? [] : [`istioctl analyze: IST0137 (DeploymentConflictingPorts) of ${some(names)}`];
}

export const servicesToldApart = defineCheck({
  id: 'services-told-apart',
  title: 'the server side counts for the Service that was called',
  explains:
    'A proxy that answers knows the port, not the name that was called: where two Services lead to one port of a pod, it counts everything for the older one. The caller’s side has both, and the workload is right on both sides: nothing is lost.',
  reasons: {
    CountedForOtherService:
      'Requests to a Service are counted for another one by those who answer: both lead to the same port.',
  },
  needs: { emitters, services: allServices, to: toServices },
  judge({ emitters, services, to }) {
    const nothing = nothingIn(to);
    if (nothing) return nothing;
    const of = (reporter: string): ReadonlyMap<string, number> =>
      ratesBy(reportedBy(seriesIn(to), reporter), (each) => endOf(each, 'destination_service'));
    const [called, answered] = [of('source'), of('destination')];
    const podsOf = byNamespace(emitters);
    const servicesOf = byNamespace(services.items);
    const pairs = services.items.flatMap((service) => {
      const { namespace, name } = service;
      const key = `${namespace}/${name}`;
      if (!isTraffic(called.get(key)) || answered.get(key)) return [];
      const other = servicesOf(namespace).find(
        (each) =>
          each !== service &&
          answered.get(`${namespace}/${each.name}`) &&
          sharing(service, each, podsOf(namespace)).length > 0,
      );
      return other ? [{ service, other, pods: podsOf(namespace) }] : [];
    });
    const [first] = pairs;
    if (first) {
      const lines = pairs.map(
        ({ service, other }) => `${service.namespace}/${service.name} is counted as ${other.name}`,
      );
      return {
        status: 'warn',
        reason: 'CountedForOtherService',
        effect: 'wrong',
        message: `${count(pairs.length, 'Service')} with a port of another’s pods: ${some(lines)}`,
        evidence: [...lines.slice(0, 9), ...analyzed(pairs)],
        hint: `${shellLine('kubectl', '-n', first.service.namespace, 'get', 'services', first.service.name, first.other.name, '-o', 'wide')}   # ask for reporter="source", or give each a port of its own`,
      };
    }
    if (services.refusal) return unknown([services.refusal]);
    if (called.size === 0) return skip('no requests in ten minutes to look at');
    return { status: 'pass', message: `no Service of ${called.size} that are called is counted as another` };
  },
});
