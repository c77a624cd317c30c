import type { Content } from '../../diagnosis/check.ts';
import { detection } from '../../evidence/istio/detection.ts';
import { meshYaml, prometheusConfigMap } from '../../evidence/kubernetes/config-maps.ts';
import { happenedRights } from '../../evidence/kubernetes/happened.ts';
import { allDeployments, allNamespaces, allPods, allServices } from '../../evidence/kubernetes/lists.ts';
import { mixerAttributeManifests, mixerHandlers, mixerInstances, mixerRules } from '../../evidence/mixer/config.ts';
import { mixerLogs } from '../../evidence/mixer/log.ts';
import { mixerPages } from '../../evidence/mixer/pages.ts';
import { ambientSources, ambientWalk } from './ambient/index.ts';
import { historyOf } from './history.ts';
import { configErrors } from './mixer/config-errors.ts';
import { configResolution } from './mixer/config-resolution.ts';
import { dispatches } from './mixer/dispatches.ts';
import { mixerMeter } from './mixer/meter.ts';
import { metricInstances } from './mixer/metric-instances.ts';
import { prometheusHandler } from './mixer/prometheus-handler.ts';
import { prometheusScrape } from './mixer/prometheus-scrape.ts';
import { reportCalls } from './mixer/report-calls.ts';
import { rules } from './mixer/rules.ts';
import { sidecarSources, sidecarWalk } from './sidecar/index.ts';

/** "Missing Metrics" of Istio 1.0, and "Where are the metrics for my service?" of 0.8. */
export const missingMetrics: Content = {
  history: historyOf,
  once: 'for each generation',
  walks: {
    mixer: {
      steps: [
        reportCalls,
        rules,
        prometheusHandler,
        metricInstances,
        configErrors,
        configResolution,
        dispatches,
        prometheusScrape,
      ],
      meter: mixerMeter,
    },
    'telemetry-v2': sidecarWalk,
    ambient: ambientWalk,
  },
  sources: [
    allPods,
    allServices,
    allDeployments,
    allNamespaces,
    detection,
    mixerRules,
    mixerHandlers,
    mixerInstances,
    mixerAttributeManifests,
    meshYaml,
    prometheusConfigMap,
    mixerLogs,
    mixerPages,
    happenedRights,
    ...new Set([...sidecarSources, ...ambientSources]),
  ],
};
