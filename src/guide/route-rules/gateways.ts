import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type SelectedGateway, selectedGateways } from '../../evidence/istio/gateways.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { gatewaysOf } from '../../istio/virtual-services.ts';
import { editRule, NO_GATEWAY } from './steps.ts';

export const gatewaysExist = defineCheck({
  id: 'gateways-exist',
  title: 'gateways that rules name exist, and have a proxy',
  explains:
    'A Gateway is named by NAMESPACE/NAME; a name alone is one of the rule’s own namespace. Its selector chooses the pods of a gateway, in any namespace. `istioctl analyze` calls a missing one IST0101, one that selects no pod IST0101 too.',
  reasons: {
    GatewayMissing: 'A rule is for a Gateway that does not exist (IST0101): nothing that comes in reaches it.',
    GatewayWithoutPods: 'The selector of a Gateway takes no running pod: nobody opens its ports.',
  },
  needs: { rules, gateways: attempt(selectedGateways) },
  judge({ rules: { virtualServices, missing }, gateways }) {
    const bound = virtualServices.filter((rule) => gatewaysOf(rule).length > 0);
    if (bound.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_GATEWAY);
    if ('missing' in gateways) return unknown([gateways.missing]);
    const { items, refusal } = gateways.got;
    const byName = new Map(items.map((each) => [titleOf(each.gateway), each]));
    const absent = bound.flatMap((rule) =>
      gatewaysOf(rule)
        .filter((name) => !byName.has(name))
        .map((name) => ({ rule, name })),
    );
    const [gone] = absent;
    if (gone) {
      if (refusal) return unknown([refusal], `Gateway ${gone.name} was not found among what could be seen`);
      const others = items.filter(({ gateway }) => absent.some(({ name }) => name.split('/', 2)[1] === gateway.name));
      const instead = others.length > 0 ? `; there is ${some(others.map(({ gateway }) => titleOf(gateway)))}` : '';
      return {
        status: 'fail',
        reason: 'GatewayMissing',
        message: `${some([...new Set(absent.map(({ rule, name }) => `VirtualService ${titleOf(rule)} is for Gateway ${name}, which does not exist`))])}${instead}`,
        hint: `${editRule(gone.rule)}   # name it as NAMESPACE/NAME`,
      };
    }
    const used = [...new Set(bound.flatMap((rule) => gatewaysOf(rule).flatMap((name) => byName.get(name) ?? [])))];
    const empty = used.filter(({ pods }) => pods.length === 0);
    const [idle] = empty;
    if (idle) {
      if (refusal) return unknown([refusal], 'not every pod was seen');
      const labels = ({ gateway }: SelectedGateway): string =>
        Object.entries(gateway.selector)
          .map(([name, value]) => `${name}=${value}`)
          .join(',');
      return {
        status: 'fail',
        reason: 'GatewayWithoutPods',
        message: some(
          empty.map((each) => {
            const where = each.isScoped ? ' of its namespace (PILOT_SCOPE_GATEWAY_TO_NAMESPACE)' : '';
            return `no running gateway${where} has the labels of Gateway ${titleOf(each.gateway)}: ${labels(each)}`;
          }),
        ),
        hint: shellLine('kubectl', 'get', 'pods', '--all-namespaces', '-l', labels(idle)),
      };
    }
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return {
      status: 'pass',
      message: `${count(used.length, 'Gateway')}: ${some(used.map(({ gateway }) => titleOf(gateway)))}`,
    };
  },
});
