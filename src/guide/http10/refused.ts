import { shellLine } from '../../cluster/question/shell.ts';
import { type ControlPlane, defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { askedEnvoys, nameOf, sampleOf } from '../../evidence/envoy/asked.ts';
import { envoyLogs } from '../../evidence/envoy/logs.ts';
import { responseCodes } from '../../evidence/prometheus/response-codes.ts';
import { isAtLeast, istiodOf } from '../../istio/release.ts';

/** What was refused before is over (ms). */
const HOUR = 3_600_000;

/** What makes the release take HTTP/1.0; before 1.1 nothing does (guide.md d). */
function cure({ version, namespace, revision }: ControlPlane): string {
  const client = 'let the client speak HTTP/1.1; nginx: proxy_http_version 1.1; proxy_set_header Connection "";';
  if (version !== null && !isAtLeast(version, '1.1')) return `# this release has no switch: ${client}`;
  const isOld = version !== null && !isAtLeast(version, '1.5');
  const name = isOld ? 'istio-pilot' : istiodOf(revision);
  const at = namespace ?? 'istio-system';
  return `${shellLine('kubectl', '-n', at, 'set', 'env', `deployment/${name}`, 'PILOT_HTTP10=1')}   # or ${client}`;
}

export const http10NotRefused = defineCheck({
  id: 'http10-not-refused',
  title: 'no proxy refuses requests for being HTTP/1.0',
  explains:
    'Envoy answers HTTP/1.0 with 426 Upgrade Required. Looks for its words of the last hour in the access logs of a few proxies (--sample, --from), and for the code 426 in what Prometheus counted in the last hour. A 426 of the application itself is none. The proxy that refuses is the client’s own where it has one. Without an access log (none by default since 1.1) little can be told.',
  reasons: {
    UpgradeRequired: 'Envoy answered requests in HTTP/1.0 with 426 Upgrade Required: the client must speak HTTP/1.1.',
    UpgradeCounted:
      'Prometheus counted answers with 426, and no log that was read tells whose they are: Envoy’s, or the application’s own.',
  },
  needs: { logs: envoyLogs, asked: askedEnvoys, codes: attempt(responseCodes) },
  judge({ logs, asked, codes }, { plane, now }) {
    const refused = logs.flatMap(({ said, ...envoy }) => {
      if ('missing' in said) return [];
      const { current, previous } = said.got;
      const lines = [...(previous && 'got' in previous ? previous.got.lines : []), ...current.lines];
      return lines
        .filter(({ meaning, at }) => meaning === 'refused' && (at === null || now - at < HOUR))
        .map(({ line }) => ({ name: nameOf(envoy), line }));
    });
    if (refused.length > 0)
      return {
        status: 'fail',
        reason: 'UpgradeRequired',
        message: `${count(refused.length, 'request')} in HTTP/1.0 refused with 426 by ${some([...new Set(refused.map(({ name }) => name))])}`,
        evidence: refused.slice(-10).map(({ name, line }) => `${name}: ${line}`),
        hint: cure(plane),
      };
    const counted = 'got' in codes ? (codes.got?.get('426') ?? 0) : 0;
    if (counted > 0)
      return {
        status: 'warn',
        reason: 'UpgradeCounted',
        message: `${count(counted, 'request')} answered with 426 in the last hour, by Prometheus`,
        hint: cure(plane),
      };
    if (logs.length === 0) return skip('no proxy to ask');
    const { got, missing } = sorted(logs.map(({ said }) => said));
    if (isSome(missing))
      return unknown(missing, `the log of ${missing.length} of ${count(logs.length, 'proxy', 'proxies')} was not seen`);
    const requests = got.reduce((sum, { current }) => sum + current.requests, 0);
    if (requests === 0)
      return skip(`${sampleOf(asked)} write no access log, or had no requests: nothing tells (accessLogFile)`);
    return { status: 'pass', message: `${count(requests, 'request')} in the logs of ${sampleOf(asked)}, none refused` };
  },
});
