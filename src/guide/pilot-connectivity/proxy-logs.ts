import { defineCheck } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { askedEnvoys, logLine, nameOf, sampleOf } from '../../evidence/envoy/asked.ts';
import { envoyLogs } from '../../evidence/envoy/logs.ts';
import { PROXIES_CONNECTED, PROXIES_SYNCED } from './steps.ts';

/** A complaint this old is over (ms). */
const RECENT = 5 * 60_000;

export const proxiesDoNotWait = defineCheck({
  id: 'proxies-do-not-wait',
  title: 'no proxy complains of Pilot in its log',
  explains:
    'Reads the end of the logs of a few proxies (--sample) for what the agent and Envoy say when they get no configuration or refuse it, in the words of each release. What was said before the proxy was ready, or more than five minutes ago, is over.',
  reasons: { ConfigurationAwaited: 'A proxy says that it gets no configuration from Pilot, or that it refused it.' },
  needs: { logs: envoyLogs, asked: askedEnvoys },
  judge({ logs, asked }, { now }) {
    if (logs.length === 0) return skip('no proxy to ask');
    const waiting = logs.flatMap(({ said, ...envoy }) => {
      const complaint = 'got' in said ? said.got.current.complaint : null;
      const isRecent = complaint && (complaint.at === null || now - complaint.at < RECENT);
      return complaint && isRecent ? [{ ...envoy, line: complaint.line }] : [];
    });
    const [first] = waiting;
    if (first)
      return {
        status: 'warn',
        reason: 'ConfigurationAwaited',
        message: `${some(waiting.map(nameOf))}: ${first.line.slice(0, 200)}`,
        evidence: waiting.slice(0, 10).map((each) => `${nameOf(each)}: ${each.line}`),
        hint: logLine(first),
        mayFollowFrom: [PROXIES_CONNECTED, PROXIES_SYNCED],
      };
    const { missing } = sorted(logs.map(({ said }) => said));
    if (isSome(missing))
      return unknown(missing, `the log of ${missing.length} of ${count(logs.length, 'proxy', 'proxies')} was not seen`);
    return { status: 'pass', message: `no complaint in the logs of ${sampleOf(asked)}` };
  },
});
