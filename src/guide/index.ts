import type { Content, Heading, Topic } from '../diagnosis/check.ts';

/** A line of the table of contents, and the way to the topic itself: --help reads no topic. */
export interface Entry extends Heading {
  load(): Promise<Topic>;
}

const entry = (heading: Heading, content: () => Promise<Content>): Entry => ({
  ...heading,
  load: async () => ({ ...heading, ...(await content()) }),
});

/** The topics, in the guide's order. */
export const guide: readonly Entry[] = [
  entry(
    {
      id: 'missing-metrics',
      title: 'Where are the metrics for my service?',
      summary: 'Find the hop where the mesh loses its metrics',
      flags: ['namespace', 'all-namespaces', 'selector', 'prometheus-url', 'prometheus-service', 'window', 'sample'],
      workload: 'service/NAME or deployment/NAME: answer for this one',
    },
    async () => (await import('./missing-metrics/index.ts')).missingMetrics,
  ),
  entry(
    {
      id: 'pilot-connectivity',
      title: 'Verifying connectivity to Istio Pilot',
      summary: 'Find the proxies that do not get, or do not take, their configuration',
      flags: ['namespace', 'all-namespaces', 'selector', 'window', 'sample'],
      workload: null,
    },
    async () => (await import('./pilot-connectivity/index.ts')).pilotConnectivity,
  ),
  entry(
    {
      id: 'zipkin-clock',
      title: 'No traces appearing in Zipkin when running Istio locally on Mac',
      summary: 'Find out whether clocks hide the traces, or tracing is off',
      flags: ['sample', 'client-time'],
      workload: null,
    },
    async () => (await import('./clocks/index.ts')).zipkinClock,
  ),
  entry(
    {
      id: 'grafana-clock',
      title: 'No Grafana output when connecting from a local web client to Istio remotely hosted',
      summary: 'Find out whether clocks empty the dashboards',
      flags: ['prometheus-service', 'sample', 'client-time'],
      workload: null,
    },
    async () => (await import('./clocks/index.ts')).grafanaClock,
  ),
  entry(
    {
      id: 'webhook-certs',
      title: 'Webhook setup script files missing from 0.5 release package',
      summary: 'Find out whether the API server trusts and reaches Istio’s webhooks',
      flags: [],
      workload: null,
    },
    async () => (await import('./webhook-certs/index.ts')).webhookCerts,
  ),
  entry(
    {
      id: 'apiserver-proxy',
      title: 'Automatic Sidecar Injection will fail if the kube-apiserver has proxy settings',
      summary: 'Find out whether the API server’s proxy settings stop Istio’s webhooks',
      flags: [],
      workload: null,
    },
    async () => (await import('./apiserver-proxy/index.ts')).apiserverProxy,
  ),
];

/** Every topic, read. */
export const topics = (): Promise<readonly Topic[]> => Promise.all(guide.map((each) => each.load()));
