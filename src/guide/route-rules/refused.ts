import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { type Envoy, envoys, logLine, nameOf } from '../../evidence/envoy/asked.ts';
import { owingLogs, type ProxyLog } from '../../evidence/envoy/logs.ts';
import { firstSyncs } from '../../evidence/istio/pilot.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { isOwed, proxyNamed, type TypeSync } from '../../evidence/istio/sync.ts';
import type { MergedVirtualService } from '../../istio/virtual-services.ts';
import { HOSTS, NO_RULES } from './steps.ts';

/** Hosts that rules are for, or lead to: what is refused is a rule's where its words name one. */
const hostsOf = (rules: readonly MergedVirtualService[]): readonly string[] => [
  ...new Set(
    rules.flatMap(({ hosts, http, other }) => [
      ...hosts,
      ...[...http, ...other].flatMap(({ destinations }) => destinations.map(({ host }) => host)),
    ]),
  ),
];

/** Why a proxy does not take rules, in its own words to the control plane; null where it does, or refuses something else. */
const refusalOf = (types: readonly TypeSync[], hosts: readonly string[]): string | null =>
  types.find(
    ({ kind, error }) =>
      error !== '' && (kind === 'route' || hosts.some((host) => host !== '*' && error.includes(host))),
  )?.error ?? null;

/** A refusal this old may be over: what was sent since may be on its way only (ms). */
const RECENT = 10 * 60_000;

/** Whether a log's last refusal is of what is owed an answer now. */
const isRecent = ({ at }: NonNullable<ProxyLog['refusal']>, now: number): boolean => at === null || now - at < RECENT;

/** What a log that was read, or not, leaves open of a proxy that owes an answer. */
function openWords(log: ProxyLog | undefined, now: number): string {
  if (!log) return 'its log was not read (--sample)';
  if (log.refusal) {
    const minutes = Math.floor((now - (log.refusal.at ?? now)) / 60_000);
    return `its log tells of a refusal ${count(minutes, 'minute')} ago: ${log.refusal.words.slice(0, 200)}`;
  }
  const { since } = log;
  return since === null
    ? 'its log tells of no refusal'
    : `its log was read back to ${new Date(since).toISOString()} only, and tells of no refusal`;
}

export const proxiesTakeRules = defineCheck({
  id: 'proxies-take-rules',
  title: 'no proxy refuses the rules that Istio sends it',
  explains:
    'A proxy takes the rules of a port together, or refuses them together: one that is wrong keeps every other from having effect, and after a restart the proxy has none at all. Reads what proxies answered to the control plane (1.24 and newer), or where an answer to routes is owed (older releases) the proxy’s log: what it refused in the last ten minutes. Refused clusters and listeners count where their words name a host of a rule.',
  reasons: {
    RulesRefused: 'A proxy refuses the rules that Istio sends it, and keeps those that it had: none newer has effect.',
    AnswerOwed:
      'A proxy has not taken its newest routes, and its log does not tell why: they may be on their way, or be refused.',
  },
  needs: { rules, all: envoys, syncs: attempt(firstSyncs), logs: attempt(owingLogs) },
  judge({ rules: { virtualServices, missing }, all, syncs, logs }, { now }) {
    if (virtualServices.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_RULES);
    if (all.length === 0) return skip('no proxy runs here');
    if ('missing' in syncs) return unknown([syncs.missing]);
    const { got, missing: unread } = sorted(syncs.got.map(({ proxies }) => proxies));
    const byName = new Map(got.flat().map((each) => [each.proxy, each.types]));
    const typesOf = ({ pod }: Envoy): readonly TypeSync[] => byName.get(proxyNamed(pod)) ?? [];
    const isOwing = (envoy: Envoy): boolean => typesOf(envoy).some(isOwed);
    const read = new Map(('got' in logs ? logs.got : []).map(({ pod, said }) => [proxyNamed(pod), said]));
    const logOf = ({ pod }: Envoy): ProxyLog | undefined => {
      const said = read.get(proxyNamed(pod));
      return said && 'got' in said ? said.got.current : undefined;
    };
    const hosts = hostsOf(virtualServices);
    const refused = all.flatMap((envoy): readonly (Envoy & { words: string })[] => {
      const told = isOwing(envoy) ? logOf(envoy)?.refusal : null;
      const words = refusalOf(typesOf(envoy), hosts) ?? (told && isRecent(told, now) ? told.words : null);
      return words === null ? [] : [{ ...envoy, words: words.trim() }];
    });
    const [first] = refused;
    if (first)
      return {
        status: 'fail',
        reason: 'RulesRefused',
        message: `${some(refused.map(nameOf))} ${refused.length === 1 ? 'refuses' : 'refuse'} what Istio sends: ${first.words.slice(0, 300)}`,
        evidence: refused.slice(0, 10).map((each) => `${nameOf(each)}: ${each.words}`),
        hint: logLine(first),
        mayFollowFrom: [HOSTS],
      };
    const owing = all.filter(isOwing);
    const silent =
      'missing' in logs ? [logs.missing] : sorted(owing.flatMap(({ pod }) => read.get(proxyNamed(pod)) ?? [])).missing;
    if (owing.length > 0 && isSome(silent)) return unknown(silent, 'a proxy owes an answer, and its log was not seen');
    const [open] = owing;
    if (open)
      return {
        status: 'unknown',
        reason: 'AnswerOwed',
        message: `an answer to routes is owed by ${some(owing.map(nameOf))}: ${openWords(logOf(open), now)}`,
        evidence: owing.slice(0, 10).map((each) => `${nameOf(each)}: ${openWords(logOf(each), now)}`),
        hint: logLine(open),
        missing: [],
      };
    const known = all.filter((envoy) => typesOf(envoy).length > 0);
    if (isSome(unread)) return unknown(unread, 'other proxies may be on a replica that could not be asked');
    if (known.length === 0) return skip('the control plane tells nothing of these proxies');
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(known.length, 'proxy', 'proxies')}, none refuses any` };
  },
});
