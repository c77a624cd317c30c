import { defineCheck } from '../../../../diagnosis/check.ts';
import { skip } from '../../../../diagnosis/verdict.ts';
import { consumers } from '../../../../evidence/consumers/consumers.ts';
import { population } from '../../../../evidence/istio/population.ts';
import { meshStore } from '../../../../evidence/prometheus/mesh-store.ts';
import { PodIndex } from '../../../../evidence/prometheus/pod-series.ts';
import { fresh } from '../../../../evidence/prometheus/proxies.ts';
import { gapsIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { CONFIG_DELIVERY, STORED, TELEMETRY_CONFIG } from '../steps.ts';

export const dashboardsAnswered = defineCheck({
  id: 'dashboards-answered',
  title: 'the mesh has the reporters that Istio’s dashboards ask for',
  explains:
    'Istio’s own dashboards of services and workloads ask for reporter="destination" or reporter="source". A mesh whose sidecars count one side alone, or whose requests waypoints count, answers a part of them with nothing.',
  reasons: {
    NoDestinationReporter:
      'No sidecar counts requests where they arrive: the dashboards of services and workloads are empty.',
    NoSourceReporter: 'No proxy counts requests where they are sent: what asks for reporter="source" is empty.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { consumers, population, store: meshStore, fresh },
  judge({ consumers, population, store, fresh }) {
    if (!consumers.some(({ kind }) => kind === 'Grafana')) return skip('no Grafana in this cluster');
    const answer = store ? fresh[store.index] : undefined;
    const sidecars = new PodIndex(population.proxies.flatMap(({ pod, kind }) => (kind === 'sidecar' ? [pod] : [])));
    const reporters = new Set(
      seriesIn(answer).flatMap(({ labels }) => (sidecars.podOf(labels) ? [labels.get('reporter') ?? ''] : [])),
    );
    if (!answer || reporters.size === 0) return skip('no sidecar has counted anything');
    const lacks = ['destination', 'source'].find((reporter) => !reporters.has(reporter));
    const gap = notWhole(gapsIn([answer]));
    if (lacks === undefined) return { status: 'pass', message: 'sidecars count what they send and what they answer' };
    if (gap) return gap;
    const isServer = lacks === 'destination';
    return {
      status: 'warn',
      reason: isServer ? 'NoDestinationReporter' : 'NoSourceReporter',
      message: `no sidecar has series of reporter="${lacks}", for which Istio’s dashboards ask`,
      hint: `kubectl get telemetries.telemetry.istio.io --all-namespaces -o yaml | grep -B4 -A4 'mode: ${isServer ? 'SERVER' : 'CLIENT'}'   # one that disables this side`,
      mayFollowFrom: [TELEMETRY_CONFIG, CONFIG_DELIVERY, STORED],
    };
  },
});
