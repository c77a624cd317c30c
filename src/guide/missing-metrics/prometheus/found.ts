import { defineCheck, type Verdict } from '../../../diagnosis/check.ts';
import { count, some } from '../../../diagnosis/verdict.ts';
import { prometheusServers } from '../../../evidence/prometheus/server.ts';

/** How the right Prometheus is named. */
export const NAME_PROMETHEUS =
  'kubectl istio-diag missing-metrics --prometheus-service NAMESPACE/NAME:PORT   # or --prometheus-url URL';

/** None of the asked servers has it, and there are others. */
export const notAllAsked = (leftOut: number, message: string): Verdict => ({
  status: 'unknown',
  reason: 'NotAllAsked',
  message: `${message}; ${count(leftOut, 'more Prometheus server')} not asked`,
  hint: NAME_PROMETHEUS,
  missing: [],
});

export const prometheusFound = defineCheck({
  id: 'prometheus-found',
  title: 'a Prometheus is found',
  explains:
    'Looks for running Prometheus pods in every namespace, those beside Istio first. A Prometheus elsewhere is named with --prometheus-url or --prometheus-service.',
  reasons: {
    PrometheusNotFound:
      'No Prometheus runs where pods may be listed: whether one outside holds the metrics is not known.',
  },
  needs: { servers: prometheusServers },
  judge({ servers: { asked, leftOut } }) {
    const more = leftOut > 0 ? `; ${leftOut} more were not asked` : '';
    if (asked.length > 0) return { status: 'pass', message: `${some(asked.map(({ where }) => where))}${more}` };
    return {
      status: 'unknown',
      reason: 'PrometheusNotFound',
      message: 'no Prometheus found in this cluster',
      hint: NAME_PROMETHEUS,
      missing: [],
    };
  },
});
