import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { skip, some, unknown } from '../../diagnosis/verdict.ts';
import { envoys, nameOf } from '../../evidence/envoy/asked.ts';
import { destinationRules } from '../../evidence/istio/routing.ts';
import { headlessServices } from '../../evidence/kubernetes/headless.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { durationIn, spoken } from '../../evidence/text/duration.ts';
import { isHostOf } from '../../istio/hosts.ts';
import { NONE } from './steps.ts';

/** What Envoy itself gives an idle TCP connection (ms). */
const HOUR = 3_600_000;

export const timeoutsOutlastConnections = defineCheck({
  id: 'timeouts-outlast-connections',
  title: 'nothing ends TCP connections sooner than Envoy’s own hour',
  explains:
    'Envoy ends a TCP connection over which nothing was sent for an hour. A DestinationRule for the service (idleTimeout, maxConnectionDuration), or ISTIO_META_IDLE_TIMEOUT on a proxy, may make that shorter: then it is the rule, and not a fault, that the connection ends.',
  reasons: { EndedEarly: 'A rule ends TCP connections to a headless Service sooner than after an hour.' },
  needs: { headless: headlessServices, rules: attempt(destinationRules), envoys },
  judge({ headless, rules, envoys }) {
    if (headless.length === 0) return skip(NONE);
    if ('missing' in rules) return unknown([rules.missing]);
    const short = rules.got.items.filter(
      (rule) =>
        rule.ends &&
        rule.ends.after < HOUR &&
        headless.some(({ service }) => isHostOf(rule.host, rule.namespace, service)),
    );
    const [first] = short;
    if (first)
      return {
        status: 'warn',
        reason: 'EndedEarly',
        message: some(
          short.map((rule) => `DestinationRule ${titleOf(rule)}: ${rule.ends?.what} ${spoken(rule.ends?.after ?? 0)}`),
        ),
        hint: shellLine('kubectl', '-n', first.namespace, 'edit', 'destinationrule', first.name),
      };
    const own = envoys.filter(({ container }) => {
      const after = durationIn(container.variables.ISTIO_META_IDLE_TIMEOUT);
      return after !== null && after > 0 && after < HOUR;
    });
    const [proxy] = own;
    if (proxy)
      return {
        status: 'warn',
        reason: 'EndedEarly',
        message: `ISTIO_META_IDLE_TIMEOUT is ${proxy.container.variables.ISTIO_META_IDLE_TIMEOUT} on ${some(own.map(nameOf))}`,
        hint: shellLine('kubectl', '-n', proxy.pod.namespace, 'get', 'pod', proxy.pod.name, '-o', 'yaml'),
      };
    if (rules.got.refusal) return unknown([rules.got.refusal], 'not every DestinationRule was seen');
    return { status: 'pass', message: 'no rule ends them before an hour' };
  },
});
