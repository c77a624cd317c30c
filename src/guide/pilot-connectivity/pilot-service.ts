import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { skip, some, unknown } from '../../diagnosis/verdict.ts';
import { pilots } from '../../evidence/istio/pilot.ts';
import { allServices, selects } from '../../evidence/kubernetes/lists.ts';
import { isAtLeast } from '../../istio/release.ts';

/** The ports on which proxies get their configuration, by release (guide.md 0.2). */
const portsOf = (version: string | null): readonly number[] => {
  if (version === null || isAtLeast(version, '1.5')) return [15012, 15010];
  return isAtLeast(version, '1.0') ? [15010, 15011] : [15003, 15005, 15007, 15010, 15011];
};

export const pilotHasService = defineCheck({
  id: 'pilot-has-service',
  title: 'a Service leads proxies to Pilot',
  explains:
    'Proxies reach Pilot, or istiod, by the name of its Service: istiod on 15012 (or 15010 without TLS) since 1.5; istio-pilot on 15010 and 15011 before; 0.8 has 15003, 15005 and 15007 for its old proxies too. The guide curls 15003, which no release after 0.8 serves: that is by design.',
  reasons: {
    PilotServiceMissing:
      'No Service leads to Pilot’s pods on a port that proxies use: none of them gets a configuration.',
  },
  needs: { pilots, services: allServices },
  judge({ pilots, services }, { plane }) {
    if (pilots.length === 0) return skip('there is no pod of Pilot to lead to');
    const leading = services.items.filter(({ namespace, selector }) =>
      pilots.some(({ pod }) => pod.namespace === namespace && selects(selector, pod.labels)),
    );
    const wanted = portsOf(plane.version);
    const serving = leading.flatMap(({ name, ports }) =>
      ports.filter(({ port }) => wanted.includes(port)).map(({ port }) => `${name}:${port}`),
    );
    if (serving.length > 0) return { status: 'pass', message: some(serving) };
    if (services.refusal) return unknown([services.refusal], 'not every Service was seen');
    return {
      status: 'fail',
      reason: 'PilotServiceMissing',
      message:
        leading.length === 0
          ? `no Service selects ${some(pilots.map(({ pod }) => pod.name))}`
          : `${some(leading.map(({ name }) => name))} ${leading.length === 1 ? 'has' : 'have'} none of the ports ${wanted.join(', ')}`,
      hint: shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'get', 'services', '-o', 'yaml'),
    };
  },
});
