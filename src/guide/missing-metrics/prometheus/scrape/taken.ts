import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { proxyScraping, type Scraping } from '../../../../evidence/prometheus/scraping.ts';
import type { Cause } from '../../../../evidence/prometheus/unscraped.ts';
import { lacking, type Monitor, type Operated } from '../../../../scraping/monitors.ts';
import { editMonitor, label, patchPrometheus } from './mending.ts';
import { about, nothingAbout, partOf, UNPROVEN, unproven } from './scope.ts';

interface Untaken {
  monitor: Monitor;
  prometheus: Operated;
  cause: Cause;
}

const untakenIn = ({ causes }: Scraping): readonly Untaken[] =>
  causes.flatMap((cause) => {
    const { by, refusal } = cause;
    return refusal !== null && by && 'monitor' in by && by.prometheus
      ? [{ monitor: by.monitor, prometheus: by.prometheus, cause }]
      : [];
  });

const FIELDS = { PodMonitor: 'podMonitor', ServiceMonitor: 'serviceMonitor' } as const;

function hintFor({ monitor, prometheus, cause: { refusal } }: Untaken): string {
  const { monitors, namespaces } = prometheus.takes[monitor.kind];
  const field = FIELDS[monitor.kind];
  if (refusal === 'labels' && monitors) {
    const labels = lacking(monitors, monitor.labels);
    const words = ['-n', monitor.namespace, 'label', monitor.kind.toLowerCase(), monitor.name];
    return labels ? label(words, labels) : editMonitor(monitor);
  }
  if (refusal === 'namespace' && namespaces) {
    const labels = lacking(namespaces, {});
    if (labels) return label(['label', 'namespace', monitor.namespace], labels);
  }
  return patchPrometheus(
    prometheus,
    refusal === 'namespace'
      ? { [`${field}NamespaceSelector`]: {} }
      : { [`${field}Selector`]: {}, [`${field}NamespaceSelector`]: {} },
  );
}

function wordsOf({ monitor, prometheus, cause: { refusal } }: Untaken): string {
  const { monitors, namespaces } = prometheus.takes[monitor.kind];
  const field = FIELDS[monitor.kind];
  const it = `Prometheus ${prometheus.namespace}/${prometheus.name} does not take ${monitor.kind} ${monitor.namespace}/${monitor.name}`;
  if (refusal === 'no selector') return `${it}: it has no ${field}Selector`;
  if (refusal === 'labels') return `${it}: its ${field}Selector is ${JSON.stringify(monitors)}`;
  return namespaces === null
    ? `${it}: without a ${field}NamespaceSelector it takes those of its own namespace`
    : `${it}: its ${field}NamespaceSelector is ${JSON.stringify(namespaces)}`;
}

/** Whether the monitors that are made for proxies are taken by a Prometheus. */
export const monitorsTaken = defineCheck({
  id: 'monitors-taken',
  title: 'the monitors of proxies are taken by a Prometheus',
  explains:
    'A PodMonitor or ServiceMonitor is read only by a Prometheus object whose podMonitorSelector (serviceMonitorSelector) fits its labels, and whose …NamespaceSelector fits those of its namespace: a selector that is left out takes none, an empty one takes all, and without a namespace selector only the Prometheus’ own namespace counts. Computed from the objects, for proxies that no server has as a target.',
  reasons: {
    ...UNPROVEN,
    MonitorNotSelected:
      'The monitor that would have these proxies scraped lacks the labels that the Prometheus object selects monitors by.',
    MonitorNamespaceNotSelected:
      'The monitor that would have these proxies scraped lies in a namespace where the Prometheus object does not look for monitors.',
  },
  needs: { scraping: proxyScraping },
  judge({ scraping }): Verdict {
    const nothing = nothingAbout(scraping);
    if (nothing) return nothing;
    const { prometheuses, podMonitors, serviceMonitors } = scraping.monitors;
    const untaken = untakenIn(scraping);
    const [first] = untaken;
    if (first) {
      const unsure = unproven(scraping);
      if (unsure) return unsure;
      return {
        status: 'fail',
        reason: first.cause.refusal === 'namespace' ? 'MonitorNamespaceNotSelected' : 'MonitorNotSelected',
        message: `${partOf(first.cause.pods, scraping)}: ${wordsOf(first)}`,
        hint: hintFor(first),
        ...about(
          untaken.flatMap(({ cause }) => cause.pods),
          ...untaken.slice(1, 4).map((each) => `${partOf(each.cause.pods, scraping)}: ${wordsOf(each)}`),
        ),
      };
    }
    for (const each of [prometheuses, podMonitors, serviceMonitors]) {
      if ('missing' in each)
        return scraping.targeted.size === scraping.pods.length
          ? skip('every proxy is a target already')
          : unknown([each.missing]);
    }
    const operated = 'got' in prometheuses ? prometheuses.got.items : [];
    if (operated.length === 0) return skip('no Prometheus of an operator here');
    return {
      status: 'pass',
      message: `${count(operated.length, 'Prometheus', 'Prometheuses')}: ${some(operated.map(({ namespace, name }) => `${namespace}/${name}`))}`,
    };
  },
});
