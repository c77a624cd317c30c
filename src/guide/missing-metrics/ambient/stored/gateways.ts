import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { unknownBehindGateways } from '../../../../evidence/ambient/series.ts';
import { apiGateways } from '../../../../evidence/istio/gateway-api.ts';
import { isEastWest } from '../../../../evidence/istio/networks.ts';
import { itemsOf } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { istiodOf } from '../../../../istio/release.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { endOf, isTraffic, perSecond, total } from '../../prometheus/rates.ts';

export const peersBehindGateways = defineCheck({
  id: 'peers-behind-gateways',
  title: 'who answers behind an east-west gateway is known',
  explains:
    'In ambient with several networks a waypoint sees the east-west gateway in the place of the workload behind it, unless istiod runs with AMBIENT_ENABLE_BAGGAGE (off by default up to 1.31): destination_workload is unknown then, and the principal the gateway’s. Sums by Service are right; by workload or by cluster they are not.',
  reasons: {
    PeerIsGateway:
      'Requests to another network are counted with an unknown workload: the peer is the east-west gateway.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { gateways: attempt(apiGateways), unknown: attempt(unknownBehindGateways) },
  judge({ gateways, unknown: asked }, { plane }): Verdict {
    const eastWest = itemsOf(gateways).filter(isEastWest);
    if (eastWest.length === 0)
      return 'missing' in gateways
        ? unknown([gateways.missing], 'which gateways lead to other networks')
        : skip('no east-west gateway here');
    if ('missing' in asked) return unknown([asked.missing], 'who answers behind gateways');
    const nothing = nothingIn(asked.got);
    if (nothing) return nothing;
    const found = seriesIn(asked.got).filter(({ labels }) => {
      const [, namespace, account] =
        /\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(labels.get('destination_principal') ?? '') ?? [];
      // Who answers for a Service is of its namespace, unless a gateway does.
      const isElsewhere = namespace !== undefined && namespace !== labels.get('destination_service_namespace');
      return isElsewhere || eastWest.some((each) => each.namespace === namespace && each.name === account);
    });
    const rate = total(found);
    if (!isTraffic(rate))
      return (
        notWhole(gapsIn([asked.got])) ?? {
          status: 'pass',
          message: `${some(eastWest.map(titleOf))}: no request with an unknown workload`,
        }
      );
    return {
      status: 'warn',
      reason: 'PeerIsGateway',
      effect: 'wrong',
      message: `${perSecond(rate)} behind ${some(eastWest.map(titleOf))} are counted with an unknown workload: ${some([...new Set(found.map((each) => endOf(each, 'destination_service')))])}`,
      hint: `${shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'set', 'env', `deployment/${istiodOf(plane.revision)}`, 'AMBIENT_ENABLE_BAGGAGE=true')}   # 1.29 and newer; sums by Service are right all the same`,
    };
  },
});
