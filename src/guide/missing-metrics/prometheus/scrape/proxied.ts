import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, skip } from '../../../../diagnosis/verdict.ts';
import { capturedOf } from '../../../../evidence/istio/captured.ts';
import { subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { type Pod, proxyOf } from '../../../../evidence/kubernetes/pod.ts';
import { proxyScraping } from '../../../../evidence/prometheus/scraping.ts';
import { outboundKeptBy } from '../../../../istio/capture.ts';
import { annotate } from './mending.ts';

const TRAFFIC = 'traffic.sidecar.istio.io/';

/** Whether what a pod sends to these ports goes through its own sidecar. */
function isCaptured(pod: Pod, ports: readonly string[]): boolean {
  const container = proxyOf(pod);
  if (!container || outboundKeptBy(capturedOf({ pod, container })) !== null) return false;
  const { annotations } = pod;
  const ranges = annotations[`${TRAFFIC}includeOutboundIPRanges`];
  // Whoever names ranges, or none, has thought of it.
  if (ranges !== undefined && ranges !== '*') return false;
  if ((annotations[`${TRAFFIC}excludeOutboundIPRanges`] ?? '') !== '') return false;
  const spared = (annotations[`${TRAFFIC}excludeOutboundPorts`] ?? '').split(',').map((each) => each.trim());
  return ports.some((port) => !spared.includes(port));
}

/** Whether Prometheus asks the proxies itself, and not through a sidecar of its own. */
export const prometheusAsksItself = defineCheck({
  id: 'prometheus-asks-itself',
  title: 'Prometheus asks the proxies, and not its own sidecar',
  explains:
    'What a Prometheus with a sidecar sends is captured like any pod’s. Its sidecar listens on 15090 itself, and answers for every pod that is asked there: all targets are up, and all have the metrics of Prometheus’ own traffic. To 15020 it passes the connections on. With the annotation traffic.sidecar.istio.io/includeOutboundIPRanges: "" the sidecar keeps certificates and captures nothing (istio.io, Integrations, Prometheus).',
  reasons: {
    OwnSidecarAnswers:
      'Prometheus has a sidecar that captures its scrapes of 15090: it answers them with its own metrics, for every pod.',
    ScrapesThroughSidecar:
      'Prometheus has a sidecar that its scrapes go through: they count as traffic, and stop with the sidecar.',
  },
  needs: { scraping: proxyScraping },
  judge({ scraping }): Verdict {
    const { serverPods, targets } = scraping;
    if (serverPods.length === 0) return skip('no Prometheus pod in this cluster is asked');
    const proxied = serverPods.filter(
      (pod) => proxyOf(pod) !== undefined && 'sidecar.istio.io/status' in pod.annotations,
    );
    if (proxied.length === 0) return { status: 'pass', message: 'it has no sidecar' };
    const ports = [
      ...new Set([...targets.values()].flat().flatMap(({ url }) => (URL.canParse(url) ? [new URL(url).port] : []))),
    ];
    const asked = ports.length > 0 ? ports : ['15020'];
    const captured = proxied.filter((pod) => isCaptured(pod, asked));
    const [subject] = subjectsOf(captured);
    if (!subject) return { status: 'pass', message: 'its sidecar does not capture what it sends' };
    const isAnswered = captured.some((pod) => isCaptured(pod, ['15090'])) && ports.includes('15090');
    const finding = {
      hint: annotate([subject], { [`${TRAFFIC}includeOutboundIPRanges`]: '' }),
      evidence: captured
        .slice(0, 10)
        .map(({ namespace, name }) => `Pod ${namespace}/${name} has a sidecar that captures what it sends`),
    };
    return isAnswered
      ? {
          status: 'fail',
          reason: 'OwnSidecarAnswers',
          effect: 'wrong',
          message: `${subject.namespace}/${subject.name} scrapes 15090 through its own sidecar, which answers itself`,
          ...finding,
        }
      : {
          status: 'warn',
          reason: 'ScrapesThroughSidecar',
          message: `${count(captured.length, 'Prometheus pod')} ${captured.length === 1 ? 'scrapes' : 'scrape'} through a sidecar of ${captured.length === 1 ? 'its' : 'their'} own`,
          ...finding,
        };
  },
});
