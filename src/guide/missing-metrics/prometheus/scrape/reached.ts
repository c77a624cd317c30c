import { shellLine } from '../../../../cluster/question/shell.ts';
import { type ControlPlane, defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { isRolledOut, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { proxyScraping, type Scraping } from '../../../../evidence/prometheus/scraping.ts';
import type { Cause } from '../../../../evidence/prometheus/unscraped.ts';
import type { Rule } from '../../../../scraping/relabel.ts';
import { OPTED_OUT } from '../../../../scraping/ways.ts';
import { patchTemplate } from '../../../templates.ts';
import { editMonitor, patchMonitor, patchPrometheus, plain, podMonitorFor } from './mending.ts';
import { about, nothingAbout, partOf, UNPROVEN, unproven } from './scope.ts';

/** Where Istio's samples of what scrapes proxies are. */
export const SAMPLE = 'https://istio.io/latest/docs/ops/integrations/prometheus/';

/** Whether a monitor or a job that is read does not come to the proxies' pages; those by annotation are another check's. */
const isOfReach = ({ by, refusal, obstacle }: Cause): boolean =>
  by !== null &&
  refusal === null &&
  obstacle !== null &&
  obstacle.is !== 'undecided' &&
  !('job' in by && by.isByAnnotation && (obstacle.is === 'rule' || obstacle.is === 'elsewhere'));

const ruleOf = ({ action, sources, regex }: Rule): string => `${action} ${sources.join(', ')} =~ ${regex}`;

interface Told {
  reason: string;
  words: string;
  hint: string;
}

function toldOf(cause: Cause, scraping: Scraping, plane: ControlPlane): Told {
  const { by, obstacle, pods, isIgnored } = cause;
  const monitor = by && 'monitor' in by ? by.monitor : null;
  const prometheus = by && 'monitor' in by ? by.prometheus : null;
  const way = monitor
    ? `${monitor.kind} ${monitor.namespace}/${monitor.name}`
    : `job ${by && 'job' in by ? by.job : ''}`;
  const edit = monitor ? editMonitor(monitor) : editConfiguration(scraping, way);
  const own = [...new Set(pods.map(({ namespace }) => namespace))].sort();
  const places =
    own.length > 3 ? `${own.slice(0, 3).join(', ')} and ${own.length - 3} more namespaces` : own.join(', ');
  switch (obstacle?.is) {
    case 'namespace':
      if (isIgnored && prometheus)
        return {
          reason: 'MonitorNamespaceSelectorIgnored',
          words: `Prometheus ${prometheus.namespace}/${prometheus.name} ignores the namespaceSelector of ${way} (ignoreNamespaceSelectors), which then finds nothing in ${places}`,
          hint: `${patchPrometheus(prometheus, { ignoreNamespaceSelectors: false })}   # or a PodMonitor of its own in each namespace`,
        };
      return {
        reason: 'NamespaceNotMonitored',
        words: `${way} does not look in ${places}`,
        hint: monitor ? patchMonitor(monitor, { namespaceSelector: { any: true, matchNames: null } }) : edit,
      };
    case 'labels':
      return pods.every(({ labels }) => OPTED_OUT in labels)
        ? {
            reason: 'OptedOut',
            words: `the label ${OPTED_OUT} keeps them from ${way}`,
            hint: optIn(cause),
          }
        : {
            reason: 'PodNotSelected',
            words: `${way} does not select ${monitor?.kind === 'ServiceMonitor' ? 'a Service of theirs' : 'them'}`,
            hint: edit,
          };
    case 'service':
      return {
        reason: 'NoServiceMonitored',
        words: `${way} finds pods by their Services, and no Service leads to these`,
        hint: podMonitorFor(scraping.monitors, plane) ?? `${edit}   # find pods by role: pod, as ${SAMPLE} does`,
      };
    case 'port':
      return {
        reason: 'PortNotFound',
        words: `${way} keeps the port ${obstacle.port}, which they do not have`,
        hint: `${edit}   # ${plane.generation === 'ambient' ? 'ztunnel’s is ztunnel-stats, 15020; ' : ''}Envoy’s own is http-envoy-prom, 15090`,
      };
    case 'rule':
      return { reason: 'RuleDrops', words: `${way} drops them by its rule ${ruleOf(obstacle.rule)}`, hint: edit };
    default:
      return {
        reason: 'OtherPageAsked',
        words: `${way} scrapes them, at a page that is not their proxy’s`,
        hint: `${edit}   # a proxy’s page is :15020/stats/prometheus, or :15090/stats/prometheus`,
      };
  }
}

function optIn({ pods }: Cause): string {
  const [first] = subjectsOf(pods);
  if (!first) return '';
  return isRolledOut(first)
    ? patchTemplate(first, { labels: { [OPTED_OUT]: null } })
    : shellLine('kubectl', '-n', first.namespace, 'label', 'pod', ...first.pods.slice(0, 3), `${OPTED_OUT}-`);
}

/** ConfigMaps beside a Prometheus that hold no jobs: its rules, and whom it trusts. */
const BESIDE = /rules|(^|[-.])ca(-?certs?|-?certificates|-?bundle)?([-.]|$)/;

/** The ConfigMap of the Prometheus that was asked, where it mounts one. */
export function editConfiguration({ serverPods }: Pick<Scraping, 'serverPods'>, what: string): string {
  const pod = serverPods.find(({ configMaps }) => configMaps.length > 0);
  const map = pod?.configMaps.find((name) => !BESIDE.test(name)) ?? pod?.configMaps[0];
  return pod && map
    ? `${shellLine('kubectl', '-n', pod.namespace, 'edit', 'configmap', map)}   # ${plain(what)}`
    : `kubectl get configmaps --all-namespaces   # the one of Prometheus: ${plain(what)}`;
}

/** Whether what is meant to scrape proxies comes to all of them. */
export const proxiesReached = defineCheck({
  id: 'proxies-reached',
  title: 'monitors and scrape jobs come to every proxy',
  explains:
    'For each proxy that is no target: what of the monitors and jobs that were made for proxies keeps it, by the rules of Prometheus and its operator. Namespaces (ignoreNamespaceSelectors makes every monitor look in its own only), selectors of pods and of Services, ports of containers, and relabelling rules, each worked out with the pod’s own labels. Of several ways the one is named that needs least.',
  reasons: {
    ...UNPROVEN,
    MonitorNamespaceSelectorIgnored:
      'The Prometheus object says ignoreNamespaceSelectors: a monitor finds pods in its own namespace only, whatever its namespaceSelector says.',
    NamespaceNotMonitored: 'The monitor or job does not look for pods in these namespaces.',
    PodNotSelected: 'The monitor’s selector does not fit the labels of these pods, or of their Services.',
    OptedOut: 'The pods carry the label istio-prometheus-ignore, by which Istio’s own PodMonitor leaves them out.',
    NoServiceMonitored: 'The monitor or job finds pods through Services, and no Service leads to these.',
    PortNotFound: 'The monitor keeps a port that the pods do not have.',
    RuleDrops: 'A relabelling rule of the monitor or job drops these pods.',
    OtherPageAsked: 'The pods are scraped at pages of the application; nothing asks for their proxies’ own page.',
  },
  needs: { scraping: proxyScraping },
  judge({ scraping }, { scope, plane }): Verdict {
    const nothing = nothingAbout(scraping);
    if (nothing) return nothing;
    const causes = scraping.causes.filter(isOfReach).map((cause) => ({ cause, told: toldOf(cause, scraping, plane) }));
    const [first] = causes;
    const unsure = unproven(scraping);
    if (unsure && (first || scraping.missing.length > 0)) return unsure;
    if (!first) return { status: 'pass', message: 'no proxy is left out by a monitor or job that looks for them' };
    const finding = {
      reason: first.told.reason,
      message: `${partOf(first.cause.pods, scraping)}: ${first.told.words}`,
      hint: first.told.hint,
      ...about(
        causes.flatMap(({ cause }) => cause.pods),
        ...causes.slice(1, 4).map(({ cause, told }) => `${partOf(cause.pods, scraping)}: ${told.words}`),
      ),
    };
    // Somebody asked for it.
    const isMeant = causes.every(({ told }) => told.reason === 'OptedOut') && scope.workload === null;
    return isMeant ? { status: 'warn', ...finding } : { status: 'fail', ...finding };
  },
});
