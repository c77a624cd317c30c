import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import {
  operatedPrometheuses,
  podMonitors,
  type Resource,
  serviceMonitors,
  typedName,
} from '../../cluster/question/resources.ts';
import type { Attempt, Source } from '../../diagnosis/check.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import type { Endpoint, Monitor, Operated, Taking } from '../../scraping/monitors.ts';
import type { Rule } from '../../scraping/relabel.ts';
import { type Listing, listAll } from '../kubernetes/lists.ts';
import { named } from '../kubernetes/named.ts';
import { selectorIn } from '../kubernetes/selector.ts';
import { list, number, object, text, texts } from '../text/json.ts';

/** What tells the operated Prometheus servers of a cluster what to scrape. A kind that is not installed is an empty list. */
export interface Monitoring {
  prometheuses: Attempt<Listing<Operated>>;
  podMonitors: Attempt<Listing<Monitor>>;
  serviceMonitors: Attempt<Listing<Monitor>>;
}

/** A text of YAML, which reads `true` and numbers as what they are. */
const scalar = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;

/** Relabelling rules: of a monitor, or of a configuration, where the names have underscores and an empty text is one. */
export function rulesIn(value: unknown): readonly Rule[] {
  return list(value).map((rule) => {
    const regex = scalar(rule.regex);
    // Of a monitor's rule the operator writes no empty text.
    const isLeftOut = regex === null || (regex === '' && rule.source_labels === undefined);
    return {
      action: text(rule.action).toLowerCase() || 'replace',
      sources: texts(rule.sourceLabels ?? rule.source_labels),
      separator: scalar(rule.separator) ?? ';',
      regex: isLeftOut ? '(.*)' : regex,
      target: text(rule.targetLabel ?? rule.target_label),
      replacement: scalar(rule.replacement) ?? '$1',
    };
  });
}

function endpointIn({ port, portNumber, targetPort, path, relabelings }: Record<string, unknown>): Endpoint {
  return {
    port: text(port) || null,
    targetPort: number(portNumber) ?? (typeof targetPort === 'number' ? targetPort : text(targetPort) || null),
    path: text(path) || '/metrics',
    rules: rulesIn(relabelings),
  };
}

export const monitorIn =
  (kind: Monitor['kind'], endpoints: string) =>
  (from: KubernetesObject): Monitor => {
    const { selector, namespaceSelector, ...spec } = object(from.spec);
    const { any, matchNames } = object(namespaceSelector);
    return {
      ...named(from),
      kind,
      labels: from.metadata.labels ?? {},
      selector: selectorIn(selector) ?? {},
      namespaces: any === true ? 'any' : texts(matchNames),
      endpoints: list(spec[endpoints]).map(endpointIn),
    };
  };

export function operatedIn(from: KubernetesObject): Operated {
  const spec = object(from.spec);
  const taking = (kind: string): Taking => ({
    monitors: selectorIn(spec[`${kind}Selector`]),
    namespaces: selectorIn(spec[`${kind}NamespaceSelector`]),
  });
  const selectors = ['podMonitor', 'serviceMonitor', 'probe', 'scrapeConfig'].map((kind) => spec[`${kind}Selector`]);
  return {
    ...named(from),
    takes: { PodMonitor: taking('podMonitor'), ServiceMonitor: taking('serviceMonitor') },
    ignoresNamespaces: spec.ignoreNamespaceSelectors === true,
    isUnmanaged: selectors.every((selector) => selector === undefined || selector === null),
  };
}

const kinds: readonly Resource[] = [operatedPrometheuses, podMonitors, serviceMonitors];

export const monitoring: Source<Monitoring> = clusterSource(
  kinds.map((kind) => ({ verb: 'list', resource: typedName(kind) })),
  async (ask) => {
    const [prometheuses, ofPods, ofServices] = await Promise.all([
      settle(listAll(ask, operatedPrometheuses, operatedIn)),
      settle(listAll(ask, podMonitors, monitorIn('PodMonitor', 'podMetricsEndpoints'))),
      settle(listAll(ask, serviceMonitors, monitorIn('ServiceMonitor', 'endpoints'))),
    ]);
    return { prometheuses, podMonitors: ofPods, serviceMonitors: ofServices };
  },
);
