import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { type Envoy, envoys, logLine, nameOf } from '../../evidence/envoy/asked.ts';
import { owingLogs } from '../../evidence/envoy/logs.ts';
import { firstSyncs } from '../../evidence/pilot.ts';
import { rules } from '../../evidence/rules.ts';
import { isOwed, proxyNamed, type TypeSync } from '../../evidence/sync.ts';
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

/** Why a proxy does not take rules, in its own words; null where it does, or refuses something else. */
function refusalOf(types: readonly TypeSync[], log: string | null, hosts: readonly string[]): string | null {
  const found = types.find(
    ({ kind, error }) =>
      error !== '' && (kind === 'route' || hosts.some((host) => host !== '*' && error.includes(host))),
  );
  if (found) return found.error;
  // Before 1.24 Pilot knows that an answer is owed; why, the proxy's log tells.
  return types.some(isOwed) ? log : null;
}

export const proxiesTakeRules = defineCheck({
  id: 'proxies-take-rules',
  title: 'no proxy refuses the rules that Istio sends it',
  explains:
    'A proxy takes the rules of a port together, or refuses them together: one that is wrong keeps every other from having effect, and after a restart the proxy has none at all. Reads what proxies answered to the control plane (1.24 and newer), or where an answer to routes is owed the proxy’s log. Refused clusters and listeners count where their words name a host of a rule.',
  reasons: {
    RulesRefused: 'A proxy refuses the rules that Istio sends it, and keeps those that it had: none newer has effect.',
  },
  needs: { rules, all: envoys, syncs: attempt(firstSyncs), logs: attempt(owingLogs) },
  judge({ rules: { virtualServices, missing }, all, syncs, logs }) {
    if (virtualServices.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_RULES);
    if (all.length === 0) return skip('no proxy runs here');
    if ('missing' in syncs) return unknown([syncs.missing]);
    const { got, missing: unread } = sorted(syncs.got.map(({ proxies }) => proxies));
    const byName = new Map(got.flat().map((each) => [each.proxy, each.types]));
    const told = new Map(
      ('got' in logs ? logs.got : []).flatMap(({ pod, said }) =>
        'got' in said ? [[proxyNamed(pod), said.got.current.refusal]] : [],
      ),
    );
    const hosts = hostsOf(virtualServices);
    const refused = all.flatMap((envoy): readonly (Envoy & { words: string })[] => {
      const name = proxyNamed(envoy.pod);
      const words = refusalOf(byName.get(name) ?? [], told.get(name) ?? null, hosts);
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
    const silent = 'missing' in logs ? [logs.missing] : sorted(logs.got.map(({ said }) => said)).missing;
    if (isSome(silent)) return unknown(silent, 'a proxy owes an answer, and its log was not seen');
    const known = all.filter(({ pod }) => (byName.get(proxyNamed(pod)) ?? []).length > 0);
    if (isSome(unread)) return unknown(unread, 'other proxies may be on a replica that could not be asked');
    if (known.length === 0) return skip('the control plane tells nothing of these proxies');
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(known.length, 'proxy', 'proxies')}, none refuses any` };
  },
});
