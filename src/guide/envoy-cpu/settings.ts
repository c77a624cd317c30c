import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { answered, askedEnvoys, envoys, nameOf, sampleOf, unasked } from '../../evidence/envoy/asked.ts';
import { serverInfos } from '../../evidence/envoy/server-info.ts';
import { isPolling } from '../../evidence/istio/proxies.ts';
import { meshConfig } from '../../evidence/kubernetes/config-maps.ts';
import { durationIn, spoken } from '../../evidence/text/duration.ts';
import { isAtLeast } from '../../istio/release.ts';

const LOUD = /\b(debug|trace)\b/;

export const settingsAreCheap = defineCheck({
  id: 'settings-are-cheap',
  title: 'proxies log little, and run as many threads as their CPU allows',
  explains:
    'Asks a few proxies (--sample) for their log level and their worker threads. At debug and trace Envoy writes several lines for each request; more threads than the container’s CPU limit only get in each other’s way.',
  reasons: {
    LogsLoud: 'A proxy logs at debug or trace.',
    TooManyThreads: 'A proxy runs more worker threads than its CPU limit has cores.',
  },
  needs: { infos: serverInfos, asked: askedEnvoys },
  judge({ infos, asked }) {
    if (infos.length === 0) return skip('no proxy to ask');
    const seen = answered(infos).map(({ said: info, ...envoy }) => ({ ...envoy, info }));
    const levels = ({ pod, info }: (typeof seen)[number]): string =>
      [
        info.logLevel,
        info.componentLogLevel,
        pod.annotations['sidecar.istio.io/logLevel'],
        pod.annotations['sidecar.istio.io/componentLogLevel'],
      ]
        .filter(Boolean)
        .join(', ');
    const evidence = seen.map(
      (each) =>
        `${nameOf(each)}: logs at ${levels(each) || 'its default'}, ${each.info.concurrency ?? 'unknown'} threads`,
    );
    const loud = seen.filter((each) => LOUD.test(levels(each)));
    const [first] = loud;
    if (first)
      return {
        status: 'warn',
        reason: 'LogsLoud',
        message: some(loud.map((each) => `${nameOf(each)} logs at ${levels(each)}`)),
        evidence,
        hint: `${shellLine('kubectl', '-n', first.pod.namespace, 'get', 'pod', first.pod.name, '-o', 'yaml')}   # look for logLevel, --proxyLogLevel, --proxyComponentLogLevel`,
      };
    const crowded = seen.filter(({ container, info }) => {
      const { cpuLimit } = container;
      if (cpuLimit === null || info.concurrency === null) return false;
      // 0 is one for each core of the node.
      return info.concurrency > Math.ceil(cpuLimit) && info.concurrency > 2;
    });
    const [other] = crowded;
    if (other)
      return {
        status: 'warn',
        reason: 'TooManyThreads',
        message: some(
          crowded.map(
            (each) =>
              `${nameOf(each)} runs ${each.info.concurrency} threads on at most ${each.container.cpuLimit} cores`,
          ),
        ),
        evidence,
        hint: `${shellLine('kubectl', '-n', other.pod.namespace, 'get', 'pod', other.pod.name, '-o', 'yaml')}   # concurrency in the mesh’s defaultConfig or proxy.istio.io/config`,
      };
    const silent = unasked(infos);
    if (silent) return silent;
    return { status: 'pass', message: `${sampleOf(asked)} log little`, evidence };
  },
});

/** The guide's own advice is thirty seconds; ten are bearable. */
const BEARABLE = 10_000;

export const refreshIsSlow = defineCheck({
  id: 'refresh-is-slow',
  title: 'proxies that poll Pilot do not do so every second',
  explains:
    'Up to 0.7, and in 0.8 with the image `proxy`, a proxy asks Pilot for its configuration again and again: every second, unless discoveryRefreshDelay and rdsRefreshDelay say otherwise. The delay is an argument of the container: after a change pods are to be injected anew. 0.8’s `proxyv2` and everything newer are told of changes; the delay does nothing there.',
  reasons: { RefreshTooFast: 'Proxies poll Pilot more often than every ten seconds.' },
  needs: { envoys, mesh: attempt(meshConfig) },
  judge({ envoys, mesh }, { plane }) {
    const polling = envoys.filter(({ container }) => isPolling(container));
    if (polling.length === 0)
      return skip(
        plane.version !== null && !isAtLeast(plane.version, '1.0')
          ? 'no proxy polls: proxyv2 is told of changes'
          : 'proxies are told of changes since 1.0',
      );
    const own = ({ container }: (typeof polling)[number]): number | null => {
      const at = container.args.indexOf('--discoveryRefreshDelay');
      return at < 0 ? null : durationIn(container.args[at + 1]);
    };
    const delays = [
      ...polling.flatMap((each) => own(each) ?? []),
      ...('got' in mesh ? (mesh.got?.refreshDelays ?? []) : []),
    ];
    // Nothing said is every second.
    const shortest = delays.length > 0 ? Math.min(...delays) : 1000;
    if (delays.length === 0 && 'missing' in mesh) return unknown([mesh.missing]);
    if (shortest >= BEARABLE) return { status: 'pass', message: `every ${spoken(shortest)}` };
    return {
      status: 'fail',
      reason: 'RefreshTooFast',
      message: `${count(polling.length, 'proxy', 'proxies')} poll Pilot every ${spoken(shortest)}`,
      hint: `${shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'edit', 'configmap', 'istio')}   # discoveryRefreshDelay and rdsRefreshDelay: 30s; then restart Pilot and inject the pods anew`,
    };
  },
});
