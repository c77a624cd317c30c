import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, unknown } from '../../../../diagnosis/verdict.ts';
import { proxyScraping, type Scraping } from '../../../../evidence/prometheus/scraping.ts';
import type { Cause } from '../../../../evidence/prometheus/unscraped.ts';
import { SCRAPE } from '../../steps.ts';
import { podMonitorFor } from './mending.ts';
import { editConfiguration, SAMPLE } from './reached.ts';
import { about, nothingAbout, partOf, UNPROVEN, unproven } from './scope.ts';

/** Whether no other check names what keeps the proxies. */
const isUnexplained = ({ by, refusal, obstacle }: Cause): boolean =>
  refusal === null && (by === null || obstacle === null || obstacle.is === 'undecided');

/** Whether every proxy is a target: what the other checks of the step explain follows from them. */
export const proxiesAreTargets = defineCheck({
  id: 'proxies-are-targets',
  title: 'every proxy is a target of Prometheus',
  explains:
    'Looks among all targets for those that are the page of a proxy (15020, 15090, or /stats/prometheus), by the pod that discovery found or the address that is scraped; a pod counts once, however many targets it has. A server that tells no targets is asked for `up` instead, and a proxy whose istio_build is stored is scraped by somebody. Pods younger than a minute are not judged.',
  reasons: {
    ...UNPROVEN,
    NoScrapeJob: 'No job and no monitor that Prometheus reads looks for proxies: what they count is never collected.',
    TargetMissing:
      'The proxy is no target, although nothing in the jobs and monitors that could be read keeps it from being one: Prometheus may not list pods there, has not read its configuration, or goes by what is not read here.',
    ProxiesNotScraped: 'Proxies are no targets, for the reasons that the checks before name.',
  },
  needs: { scraping: proxyScraping },
  judge({ scraping }, { plane }): Verdict {
    const nothing = nothingAbout(scraping);
    if (nothing) return nothing;
    const { pods, targeted, causes, isBySeries, servers } = scraping;
    const by = isBySeries ? ', by what is stored of their scrapes' : '';
    if (targeted.size === pods.length) {
      if (scraping.refusal) return unknown([scraping.refusal], 'not every proxy was seen');
      return { status: 'pass', message: `${count(pods.length, 'proxy', 'proxies')}${by}` };
    }
    const unsure = unproven(scraping);
    if (unsure) return unsure;
    const own = causes.filter(isUnexplained);
    const without = pods.filter((pod) => !targeted.has(pod));
    const [first] = own;
    if (!first) {
      return {
        status: 'fail',
        reason: 'ProxiesNotScraped',
        message: `${partOf(without, scraping)} are no target`,
        hint: `kubectl istio-diag explain ${SCRAPE}`,
        ...about(without),
        mayFollowFrom: [SCRAPE],
      };
    }
    const job = editConfiguration(scraping, `add the job envoy-stats of ${SAMPLE}`);
    if (first.by === null)
      return {
        status: 'fail',
        reason: 'NoScrapeJob',
        message: `${partOf(first.pods, scraping)}: no job and no monitor of ${servers.join(', ')} looks for proxies`,
        hint: podMonitorFor(scraping.monitors, plane) ?? job,
        ...about(own.flatMap((each) => each.pods)),
      };
    const way =
      'monitor' in first.by
        ? `${first.by.monitor.kind} ${first.by.monitor.namespace}/${first.by.monitor.name}`
        : `job ${first.by.job}`;
    return {
      status: 'fail',
      reason: 'TargetMissing',
      message: `${partOf(first.pods, scraping)} are no target, though ${way} ${first.obstacle ? 'may look for them' : 'looks for them'}`,
      hint: mayList(scraping, first),
      ...about(own.flatMap((each) => each.pods)),
    };
  },
});

/** Whether Prometheus itself may see the pods. */
function mayList({ serverPods: [server] }: Scraping, { pods: [pod] }: Cause): string {
  const where = pod ? ['-n', pod.namespace] : ['--all-namespaces'];
  const who = `system:serviceaccount:${server?.namespace ?? 'NAMESPACE'}:SERVICE-ACCOUNT`;
  return `${shellLine('kubectl', 'auth', 'can-i', 'list', 'pods', ...where, '--as', who)}   # as Prometheus does; its log names what it may not list`;
}
