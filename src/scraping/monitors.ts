import { isSelected, type LabelSelector } from '../istio/selector.ts';
import type { Rule } from './relabel.ts';

type Labels = Readonly<Record<string, string>>;

/** One way in which a monitor has its pods scraped. */
export interface Endpoint {
  /** The name of a container's port (PodMonitor) or of a Service's (ServiceMonitor); null for any. */
  port: string | null;
  /** A container's port, by name or number; null for any. */
  targetPort: string | number | null;
  path: string;
  rules: readonly Rule[];
}

/** A PodMonitor or a ServiceMonitor (monitoring.coreos.com/v1). */
export interface Monitor {
  kind: 'PodMonitor' | 'ServiceMonitor';
  namespace: string;
  name: string;
  labels: Labels;
  /** Of pods, or of Services. */
  selector: LabelSelector;
  /** In which namespaces it looks for them: in its own where it names none. */
  namespaces: 'any' | readonly string[];
  endpoints: readonly Endpoint[];
}

/** Which monitors of a kind a Prometheus takes, by their labels and by those of their namespaces. */
export interface Taking {
  /** Null takes none; one that says nothing takes all. */
  monitors: LabelSelector | null;
  /** Null is the Prometheus' own namespace. */
  namespaces: LabelSelector | null;
}

/** A Prometheus that an operator configures (monitoring.coreos.com/v1). */
export interface Operated {
  namespace: string;
  name: string;
  takes: Readonly<Record<Monitor['kind'], Taking>>;
  /** Whether monitors find nothing outside of their own namespace, whatever they ask for. */
  ignoresNamespaces: boolean;
  /** Whether all its selectors are null: then its configuration is written by somebody else (prometheus-operator, pkg/prometheus/server/operator.go). */
  isUnmanaged: boolean;
}

/** Why a Prometheus does not take a monitor. */
export type Refusal = 'no selector' | 'labels' | 'namespace';

/**
 * Why a Prometheus does not take a monitor; null where it does (prometheus-operator, pkg/prometheus/resource_selector.go). Null
 * as the labels of its namespace: they are not known.
 */
export function refusalOf({ takes, ...prometheus }: Operated, monitor: Monitor, labels: Labels | null): Refusal | null {
  const { monitors, namespaces } = takes[monitor.kind];
  if (monitors === null) return 'no selector';
  if (!isSelected(monitors, monitor.labels)) return 'labels';
  if (namespaces === null) return monitor.namespace === prometheus.namespace ? null : 'namespace';
  return labels === null || isSelected(namespaces, labels) ? null : 'namespace';
}

/**
 * Where a monitor's pods and Services are looked for (prometheus-operator, pkg/prometheus/promcfg.go,
 * getNamespacesFromNamespaceSelector).
 */
export function namespacesOf({ namespaces, namespace }: Monitor, prometheus: Operated | null): Monitor['namespaces'] {
  if (prometheus?.ignoresNamespaces) return [namespace];
  return namespaces === 'any' || namespaces.length > 0 ? namespaces : [namespace];
}

/** The labels that a monitor lacks for a selector to take it; null where more than labels to add would be needed. */
export function lacking(selector: LabelSelector, labels: Labels): Labels | null {
  const wanted: Record<string, string> = {};
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) wanted[key] = value;
  for (const expression of selector.matchExpressions ?? []) {
    const { key = '', operator, values } = expression;
    if (isSelected({ matchExpressions: [expression] }, { ...labels, ...wanted })) continue;
    const [value] = operator === 'In' ? (values ?? []) : operator === 'Exists' ? ['true'] : [];
    if (value === undefined) return null;
    wanted[key] = value;
  }
  return isSelected(selector, { ...labels, ...wanted }) ? wanted : null;
}
