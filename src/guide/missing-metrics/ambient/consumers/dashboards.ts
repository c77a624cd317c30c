import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { bindings } from '../../../../evidence/ambient/bindings.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { appsOfZtunnel } from '../../../../evidence/ambient/series.ts';
import { consumers } from '../../../../evidence/consumers/consumers.ts';
import { type Dashboard, dashboards } from '../../../../evidence/consumers/dashboards.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { narrowed } from '../../../../evidence/kubernetes/workload.ts';
import { toServices } from '../../../../evidence/prometheus/mesh-series.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { endOf, isTraffic, perSecond, reportedBy, total } from '../../prometheus/rates.ts';
import { beforeLabels } from '../waypoint/words.ts';

/** `Istio Mesh Dashboard asks`, `Istio Service Dashboard and 2 more ask`. */
const asking = (all: readonly Dashboard[]): string =>
  `${some(all.map(({ title }) => title))} ${all.length === 1 ? 'asks' : 'ask'}`;

const unreadWords = (unread: number): string =>
  unread > 0 ? `; ${count(unread, 'ConfigMap of dashboards was', 'ConfigMaps of dashboards were')} not read` : '';

export const dashboardsShowWaypoints = defineCheck({
  id: 'dashboards-show-waypoints',
  title: 'Grafana’s dashboards ask for what waypoints count',
  explains:
    'A waypoint counts requests with reporter="waypoint", and then nobody counts them as "destination". Istio’s dashboards of services and workloads let a reader choose between source and destination only, in every release up to 1.31, and show nothing of such requests; that of the mesh asks for source|waypoint since 1.24. Reads the dashboards that Grafana mounts from ConfigMaps. Where no waypoint is asked for, requests are counted by nobody in ambient: panels of requests are empty, those of TCP are not.',
  reasons: {
    WaypointsNotAskedFor: 'Dashboards ask for reporters that count nothing of what passes a waypoint.',
    DashboardsWantRequests:
      'Dashboards ask for requests, and nothing in ambient counts any of what its pods send each other: no waypoint is asked for.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: {
    consumers,
    dashboards: attempt(dashboards),
    enrolled,
    bindings: attempt(bindings),
    narrowed,
    to: attempt(toServices),
  },
  judge({ consumers, dashboards, enrolled: { members }, bindings, narrowed, to }, { plane }): Verdict {
    if (!consumers.some(({ kind }) => kind === 'Grafana')) return skip('no Grafana in this cluster');
    if ('missing' in dashboards) return unknown([dashboards.missing], 'what its dashboards ask for');
    const { dashboards: all, missing, unread } = dashboards.got;
    if (all.length === 0)
      return isSome(missing)
        ? unknown(missing, 'what Grafana’s dashboards ask for')
        : skip(`Grafana mounts no dashboard of requests from a ConfigMap${unreadWords(unread)}`);
    if ('missing' in to) return unknown([to.missing], 'whether waypoints count requests');
    const nothing = nothingIn(to.got);
    if (nothing) return nothing;
    const counted = reportedBy(seriesIn(to.got), 'waypoint');
    const [first] = all;
    const known = 'got' in bindings ? bindings.got : null;
    if (known?.bindings.length === 0 && narrowed === null && members.length > 0 && !beforeLabels(plane) && first) {
      if (isSome(known.missing)) return unknown(known.missing, 'whether a waypoint is asked for');
      const who = isTraffic(total(seriesIn(to.got))) ? 'gateways and sidecars alone count' : 'nothing counts';
      return {
        status: 'warn',
        reason: 'DashboardsWantRequests',
        message: `${asking(all)} for istio_requests_total, which ${who} for ${count(members.length, 'pod')} in ambient: no waypoint is asked for`,
        hint: `${shellLine('istioctl', 'waypoint', 'apply', '-n', members[0]?.pod.namespace ?? '', '--enroll-namespace')}   # where requests are to be seen; connections are counted without`,
      };
    }
    if (!isTraffic(total(counted))) return notWhole(gapsIn([to.got])) ?? skip('no waypoint counts requests');
    const blind = all.filter(({ forWaypoints, selectors }) => 2 * forWaypoints < selectors);
    const [worst] = blind;
    if (!worst)
      return isSome(missing)
        ? unknown(missing, 'what other dashboards ask for')
        : { status: 'pass', message: `${asking(all)} for what waypoints count${unreadWords(unread)}` };
    return {
      status: 'warn',
      reason: 'WaypointsNotAskedFor',
      message: `${asking(blind)} for other reporters: ${perSecond(total(counted))} to ${some([...new Set(counted.map((each) => endOf(each, 'destination_service')))])} are not shown`,
      evidence: blind.map(
        ({ title, forWaypoints, selectors, ...map }) =>
          `${title} (ConfigMap ${titleOf({ namespace: map.namespace, name: map.configMap })}): ${forWaypoints} of ${selectors} selectors of istio_requests_total can be a waypoint’s`,
      ),
      hint: `${shellLine('kubectl', '-n', worst.namespace, 'edit', 'configmap', worst.configMap)}   # add waypoint to the options of the variable Reporter, and to reporter="destination"; or look at the dashboard of the mesh`,
    };
  },
});

export const ztunnelIsRecognised = defineCheck({
  id: 'ztunnel-is-recognised',
  title: 'Kiali and Istio’s dashboard find ztunnel by its name and label',
  explains:
    'Istio’s dashboard of ztunnel, and Kiali, look for pods called ztunnel-…: the chart’s resourceName (1.25 and newer) calls the DaemonSet something else. Kiali tells ztunnel’s series from others by the label app="ztunnel", which is no label of ztunnel’s own: whoever scrapes has to copy it from the pod.',
  reasons: {
    ZtunnelRenamed: 'The pods of ztunnel are called something else than Kiali and Istio’s dashboard look for.',
    ZtunnelUnlabelled: 'The stored series of ztunnel have no label app="ztunnel", by which Kiali knows them.',
  },
  needs: { consumers, enrolled, apps: attempt(appsOfZtunnel) },
  judge({ consumers, enrolled: { ztunnels }, apps }): Verdict {
    if (consumers.length === 0) return skip('no Grafana and no Kiali in this cluster');
    if (ztunnels.length === 0) return skip('no ztunnel to be found');
    const others = ztunnels.filter(({ name }) => !name.startsWith('ztunnel-'));
    const [first] = others;
    const stored = 'got' in apps ? seriesIn(apps.got) : [];
    const isKiali = consumers.some(({ kind }) => kind === 'Kiali');
    if (!first && isKiali && stored.length > 0 && !stored.some(({ labels }) => labels.get('app') === 'ztunnel'))
      return {
        status: 'warn',
        reason: 'ZtunnelUnlabelled',
        message: 'the stored series of ztunnel have no label app="ztunnel": Kiali takes them for those of others',
        hint: shellLine(
          'kubectl',
          '-n',
          ztunnels[0]?.namespace ?? '',
          'get',
          'podmonitors.monitoring.coreos.com',
          '-o',
          'yaml',
        ).concat('   # a relabelling from __meta_kubernetes_pod_label_app to app, or podTargetLabels: [app]'),
      };
    if (!first)
      return 'missing' in apps && isKiali
        ? unknown([apps.missing], 'whether ztunnel’s series have the label app')
        : { status: 'pass', message: 'its pods are called ztunnel-…' };
    return {
      status: 'warn',
      reason: 'ZtunnelRenamed',
      message: `${some(others.map(titleOf), 1)} ${others.length === 1 ? 'is' : 'are'} not called ztunnel-…: Kiali’s and Istio’s views of ztunnel are empty`,
      hint: shellLine('kubectl', '-n', first.namespace, 'get', 'daemonset', first.owner?.name ?? 'ztunnel'),
    };
  },
});
