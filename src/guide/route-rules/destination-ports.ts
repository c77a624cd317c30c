import { defineCheck } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { rules } from '../../evidence/istio/rules.ts';
import type { Target } from '../../evidence/istio/targets.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { editRule, forCallers } from './steps.ts';

const NAME_IT = '# name the port: destination.port.number';

/** The ports that a destination has, where that is known. */
const has = ({ service }: Target): string =>
  service && service.ports.length > 0 ? ` (it has ${some(service.ports.map(({ port }) => String(port)))})` : '';

export const destinationPortsExist = defineCheck({
  id: 'destination-ports-exist',
  title: 'services that rules lead to have the ports that are called',
  explains:
    'A destination without a port is called on the port that its caller called, also where its Service has but one of another number: a sidecar has no cluster for that, and requests get 503. At a gateway a Service’s only port is meant, and with several the gateway’s own. `istioctl analyze` calls a Service with several ports and none named IST0112.',
  reasons: {
    PortMissing: 'A rule leads to a port that the service does not have: requests get 503.',
    PortAstray: 'A destination names no port, and lacks one of those that callers call: requests to that one get 503.',
  },
  needs: { rules },
  judge({ rules: { targets, missing } }) {
    const known = targets.filter(
      ({ lacking, callers, service }) => lacking.host.length < callers.length && !service?.external,
    );
    if (known.length === 0)
      return isSome(missing) ? unknown(missing) : skip('no rule leads to a service that is known');
    const lost = known.filter(({ lacking }) => lacking.port.length > 0);
    const [first] = lost;
    const leads = (target: Target): string => `VirtualService ${titleOf(target.rule)} leads to ${target.host}`;
    if (first) {
      if (isSome(missing)) return unknown(missing, `${leads(first)}, whose ports were not all seen`);
      const words = (target: Target): string =>
        target.port === null
          ? `${leads(target)} without a port, and it has none of those that are called${has(target)}`
          : `${leads(target)}:${target.port}, a port that it does not have${has(target)}`;
      return {
        status: 'fail',
        reason: 'PortMissing',
        message: some([...new Set(lost.map((each) => words(each) + forCallers(each.lacking.port, each.callers)))]),
        hint: `${editRule(first.rule)}   ${NAME_IT}`,
      };
    }
    const astray = known.filter((target) => target.astray.length > 0);
    const [other] = astray;
    if (other)
      return {
        status: 'warn',
        reason: 'PortAstray',
        message: some([
          ...new Set(
            astray.map(
              (target) =>
                `${leads(target)} without a port: calls of port ${some(target.astray.map(String))} find none there${has(target)}`,
            ),
          ),
        ]),
        hint: `${editRule(other.rule)}   ${NAME_IT}`,
      };
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(known.length, 'destination')}` };
  },
});
