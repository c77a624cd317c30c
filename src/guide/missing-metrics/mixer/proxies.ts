import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, skip, some, sorted, unknown } from '../../../diagnosis/verdict.ts';
import { meshConfig } from '../../../evidence/kubernetes/config-maps.ts';
import { proxyOf } from '../../../evidence/kubernetes/pod.ts';
import { workloads } from '../../../evidence/kubernetes/workload.ts';
import { mixerPages } from '../../../evidence/mixer/pages.ts';
import { expected } from '../../../istio/injection.ts';

export const proxiesToldToReport = defineCheck({
  id: 'proxies-told-to-report',
  title: 'the mesh’s configuration tells proxies to report to Mixer',
  explains:
    'Reads mixerReportServer and disableMixerHttpReports of the ConfigMap istio: without the first, or with the second, a proxy makes no Report of HTTP.',
  reasons: {
    ReportsDisabled: 'disableMixerHttpReports is true: proxies send no Reports of HTTP.',
    HttpReportsDisabled:
      'disableMixerHttpReports is true, and some Reports arrive all the same: telemetry v2 measures HTTP, or it is lost.',
    NoReportServer: 'mixerReportServer is not set: proxies have nowhere to report to.',
  },
  needs: { mesh: meshConfig, pages: attempt(mixerPages) },
  judge({ mesh, pages }, { plane }) {
    const edit = shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'edit', 'configmap', 'istio');
    if (!mesh) return skip('there is no ConfigMap istio with a key mesh here');
    const { got } = sorted('got' in pages ? pages.got.map(({ reading }) => reading) : []);
    const arrive = got.some(({ reports }) => reports.total > 0);
    if (mesh.disableMixerHttpReports && arrive) {
      return {
        status: 'warn',
        reason: 'HttpReportsDisabled',
        message: 'disableMixerHttpReports is true in ConfigMap istio: only TCP, or older proxies, report to Mixer',
        hint: edit,
      };
    }
    if (mesh.disableMixerHttpReports) {
      return {
        status: 'fail',
        reason: 'ReportsDisabled',
        message: 'disableMixerHttpReports is true in ConfigMap istio',
        hint: edit,
      };
    }
    if (!mesh.mixerReportServer) {
      return {
        status: 'fail',
        reason: 'NoReportServer',
        message: 'mixerReportServer is not set in ConfigMap istio',
        hint: edit,
      };
    }
    return { status: 'pass', message: `proxies report to ${mesh.mixerReportServer}` };
  },
});

export const workloadsInjected = defineCheck({
  id: 'workloads-injected',
  title: 'workloads that should have a proxy have one',
  explains:
    'Of the running pods in namespaces labelled istio-injection=enabled, those without istio-proxy that are not excepted. Their requests are seen by the other side’s proxy at most.',
  reasons: {
    NotInjected: 'Pods in an injected namespace have no proxy: they started before the label, or injection failed.',
    NoProxies: 'No workload has a proxy: only gateways report.',
  },
  needs: { workloads },
  judge({ workloads: { pods, injected } }, { plane }) {
    if (pods.length === 0) return skip('no workload runs here');
    const proxied = pods.filter((pod) => proxyOf(pod) !== undefined);
    if (proxied.length === 0) {
      const namespace = pods[0]?.namespace ?? 'default';
      return {
        status: 'warn',
        reason: 'NoProxies',
        message: `none of ${count(pods.length, 'workload pod')} has a proxy`,
        hint: shellLine('kubectl', 'label', 'namespace', namespace, 'istio-injection=enabled'),
      };
    }
    if ('missing' in injected) return unknown([injected.missing], 'which namespaces are injected is not known');
    const without = expected(pods, injected.got, plane.version).filter((pod) => proxyOf(pod) === undefined);
    const [first] = without;
    if (!first)
      return {
        status: 'pass',
        message: `${proxied.length} of ${count(pods.length, 'workload pod')} have a proxy, and no other should`,
      };
    return {
      status: 'warn',
      reason: 'NotInjected',
      message: `${count(without.length, 'pod')} without a proxy in injected namespaces: ${some(without.map(({ namespace, name }) => `${namespace}/${name}`))}`,
      evidence: without.slice(0, 20).map(({ namespace, name }) => `${namespace}/${name}: no container istio-proxy`),
      hint: `${shellLine(
        'kubectl',
        '-n',
        first.namespace,
        'delete',
        'pod',
        ...without
          .filter(({ namespace }) => namespace === first.namespace)
          .slice(0, 5)
          .map(({ name }) => name),
      )}   # their successors get proxies`,
    };
  },
});
