import type { Content, Heading, Topic } from '../diagnosis/check.ts';

/** A line of the table of contents, and the way to the topic itself: --help reads no topic. */
export interface Entry extends Heading {
  load(): Promise<Topic>;
}

const entry = (heading: Heading, content: () => Promise<Content>): Entry => ({
  ...heading,
  load: async () => ({ ...heading, ...(await content()) }),
});

/** Which Prometheus is asked, and how to get past its login. */
const PROMETHEUS_FLAGS = [
  'prometheus-url',
  'prometheus-service',
  'prometheus-token-file',
  'prometheus-header',
  'prometheus-ca',
];

/** The topics, in the guide's order. */
export const guide: readonly Entry[] = [
  entry(
    {
      id: 'missing-metrics',
      title: 'Where are the metrics for my service?',
      summary: 'Find the hop where the mesh loses its metrics',
      about:
        'Walks the hops from Envoy to Prometheus as Istio 1.0’s Missing Metrics does, and this section of the 0.8 guide, on every Mixer from 0.5 to 1.7. Where Envoy itself makes the metrics, from 1.5 on, no page of Istio’s tells what to look at: there it counts pods, from those that should be in the mesh to those whose series somebody asks for. In ambient the ztunnel of a pod’s node counts its connections, and a waypoint, where one is asked for, its requests: both are looked at. Of a workload that is named it looks at the callers too, which make half of its metrics.',
      flags: ['namespace', 'all-namespaces', 'selector', ...PROMETHEUS_FLAGS, 'window', 'sample'],
      workload: 'KIND/NAME of a service, deployment, statefulset, daemonset, job or pod: answer for this one',
    },
    async () => (await import('./missing-metrics/index.ts')).missingMetrics,
  ),
  entry(
    {
      id: 'route-rules',
      title: 'Route rules have no effect on my application',
      summary: 'Find out why route rules have no effect',
      about:
        'The guide asks of pods and services what 0.8 needed. Here they are held against the rules of the release that runs; and where a rule can be seen in a proxy, that is the proof.',
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
      about:
        'The guide curls Pilot from the ingress pod: 0.8’s image has no curl, and later releases do not serve that port. Here every replica is asked itself, and proxies are asked for their side.',
      flags: ['namespace', 'all-namespaces', 'selector', 'window', 'sample', 'from'],
      workload: null,
    },
    async () => (await import('./pilot-connectivity/index.ts')).pilotConnectivity,
  ),
  entry(
    {
      id: 'zipkin-clock',
      title: 'No traces appearing in Zipkin when running Istio locally on Mac',
      summary: 'Find out whether clocks hide the traces, or tracing is off',
      about:
        'The guide compares `date` in a shell with this machine’s. Here clocks are compared by what servers say in their answers, with the way there and back taken off; no shell is needed.',
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
      about:
        'The guide’s cure, HTTP/1.1 in nginx, still holds. Since 1.1 there is a switch too, and since 1.13 ports whose protocol is detected let HTTP/1.0 through.',
      flags: ['namespace', 'all-namespaces', 'selector', ...PROMETHEUS_FLAGS, 'sample', 'from'],
      workload: null,
    },
    async () => (await import('./http10/index.ts')).http10,
  ),
  entry(
    {
      id: 'grafana-clock',
      title: 'No Grafana output when connecting from a local web client to Istio remotely hosted',
      summary: 'Find out whether clocks empty the dashboards',
      about:
        'Grafana takes the browser’s clock for now: one that is minutes off shows empty dashboards. Clocks are compared as for zipkin-clock.',
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
      about:
        'The guide raises the limit of open files with ulimit, which no pod can do for itself. From 1.22 on the proxy raises it; before, the container runtime’s limit counts.',
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
      about:
        'The guide speaks of a restart every fifteen minutes; with 0.8 to 1.4 it is one every 45 days, and since 1.5 none. Its cure, no mTLS and no Citadel, lets all certificates expire: it is the last resort. What ends connections today is looked at too.',
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
      about:
        'The guide’s refresh delay matters to proxies that poll: those of 0.7 and of 0.8’s image `proxy`. What makes newer ones busy is looked at too.',
      flags: ['namespace', 'all-namespaces', 'selector', ...PROMETHEUS_FLAGS, 'window', 'sample', 'from'],
      workload: null,
    },
    async () => (await import('./envoy-cpu/index.ts')).envoyCpu,
  ),
  entry(
    {
      id: 'webhook-certs',
      title: 'Webhook setup script files missing from 0.5 release package',
      summary: 'Find out whether Istio’s webhooks are trusted and reached, and take the pods that ask',
      about:
        'Two sections of the guide are about an installation that no longer applies: the scripts that 0.5’s package lacked. What they were for, a webhook that the API server trusts and reaches, fails in the same way today, and is looked at here.',
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
      about:
        'The guide adds the cluster’s address ranges to no_proxy. That does not help: a webhook is called by its name, so that `.svc` has to be there.',
      flags: [],
      workload: null,
    },
    async () => (await import('./apiserver-proxy/index.ts')).apiserverProxy,
  ),
];

/** Every topic, read. */
export const topics = (): Promise<readonly Topic[]> => Promise.all(guide.map((each) => each.load()));
