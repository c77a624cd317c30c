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
      id: 'route-rules',
      title: 'Route rules have no effect on my application',
      summary: 'Find out why route rules have no effect',
      flags: ['namespace', 'all-namespaces', 'selector', 'sample', 'from'],
      workload: 'service/NAME: answer for the rules of this one',
    },
    async () => (await import('./route-rules/index.ts')).routeRules,
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
      id: 'http10',
      title: 'Envoy won’t connect to my HTTP/1.0 service',
      summary: 'Find the requests that Envoy refuses for being HTTP/1.0, and who sends them',
      flags: ['namespace', 'all-namespaces', 'selector', 'prometheus-url', 'prometheus-service', 'sample', 'from'],
      workload: null,
    },
    async () => (await import('./http10/index.ts')).http10,
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
      id: 'envoy-crash',
      title: 'Envoy is crashing under load',
      summary: 'Find out whether Envoy runs out of file descriptors or memory, or crashes',
      flags: ['namespace', 'all-namespaces', 'selector', 'sample', 'from'],
      workload: null,
    },
    async () => (await import('./envoy-crash/index.ts')).envoyCrash,
  ),
  entry(
    {
      id: 'headless-tcp',
      title: 'Headless TCP services losing connection from Istio injected containers',
      summary: 'Find out what ends the TCP connections of headless services',
      flags: ['namespace', 'all-namespaces', 'selector', 'window', 'sample', 'from'],
      workload: null,
    },
    async () => (await import('./headless-tcp/index.ts')).headlessTcp,
  ),
  entry(
    {
      id: 'envoy-cpu',
      title: 'Envoy Process High CPU Usage',
      summary: 'Find out what makes proxies use so much CPU',
      flags: [
        'namespace',
        'all-namespaces',
        'selector',
        'prometheus-url',
        'prometheus-service',
        'window',
        'sample',
        'from',
      ],
      workload: null,
    },
    async () => (await import('./envoy-cpu/index.ts')).envoyCpu,
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
