import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { releaseOf } from '../../../../evidence/istio/detection.ts';
import { proxyContainerOf } from '../../../../evidence/istio/proxies.ts';
import { subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { isOn, type Pod } from '../../../../evidence/kubernetes/pod.ts';
import { proxyScraping } from '../../../../evidence/prometheus/scraping.ts';
import { isAtLeast } from '../../../../istio/release.ts';
import { about, nothingAbout, partOf } from './scope.ts';

/** Whether a proxy shows its metrics to itself only. Agents before 1.22 do not know the variable (releasenotes 50728). */
export function isForLocalhost(pod: Pod): boolean {
  const proxy = proxyContainerOf(pod);
  const release = releaseOf(proxy?.image ?? '');
  return isOn(proxy?.variables.METRICS_LOCALHOST_ACCESS_ONLY) && (release === null || isAtLeast(release, '1.22'));
}

/** Whether proxies show their metrics to anybody but themselves. */
export const metricsForPrometheus = defineCheck({
  id: 'metrics-for-prometheus',
  title: 'proxies show their metrics to Prometheus',
  explains:
    'With METRICS_LOCALHOST_ACCESS_ONLY (proxyMetadata, 1.22 and newer) a proxy’s agent answers anybody but localhost with 403, and Envoy’s own port listens on localhost only: a port-forward still shows the page, and Prometheus gets nothing (pilot/cmd/pilot-agent/status/server.go).',
  reasons: {
    MetricsForLocalhostOnly:
      'METRICS_LOCALHOST_ACCESS_ONLY is set on these proxies, and Prometheus does not get their pages.',
  },
  needs: { scraping: proxyScraping },
  judge({ scraping }): Verdict {
    const nothing = nothingAbout(scraping);
    if (nothing) return nothing;
    const closed = scraping.pods.filter(isForLocalhost);
    const lost = closed.filter((pod) => !scraping.up.has(pod));
    const [subject] = subjectsOf(lost);
    if (!subject)
      return {
        status: 'pass',
        message:
          closed.length > 0
            ? `${partOf(closed, scraping)} for localhost only, and scraped all the same`
            : 'none is for localhost only',
      };
    return {
      status: 'fail',
      reason: 'MetricsForLocalhostOnly',
      message: `${partOf(lost, scraping)}: METRICS_LOCALHOST_ACCESS_ONLY`,
      hint: `${shellLine('kubectl', '-n', subject.namespace, 'get', subject.kind.toLowerCase(), subject.name, '-o', 'yaml')}   # take METRICS_LOCALHOST_ACCESS_ONLY out of proxy.istio.io/config, or of the mesh’s defaultConfig.proxyMetadata, and restart`,
      ...about(lost),
    };
  },
});
