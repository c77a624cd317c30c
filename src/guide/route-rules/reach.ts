import { defineCheck } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { repeatedIn } from '../../istio/http-rules.ts';
import type { DelegateFault, MergedVirtualService } from '../../istio/virtual-services.ts';
import { editRule, NO_RULES, placeOf } from './steps.ts';

const forTcp = ({ other }: MergedVirtualService) => other.filter(({ kind }) => kind === 'tcp');

/** Rules for TCP behind one without a match: the first that fits has the connection. */
function streamsBehind(rule: MergedVirtualService): readonly string[] {
  const all = forTcp(rule);
  const end = all.findIndex(({ matches }) => matches.length === 0);
  return end < 0 ? [] : all.slice(end + 1).map((_, at) => `VirtualService ${titleOf(rule)}, TCP rule ${end + at + 2}`);
}

export const rulesAreReached = defineCheck({
  id: 'rules-are-reached',
  title: 'every rule is for requests that can come',
  explains:
    'Rules for HTTP are tried in order, and a rule without a match, or with the prefix `/` alone, takes every request: Istio sends proxies none of those behind it. A rule whose every match is a rule’s before gets none either, nor does one for TCP behind another without a match. `istioctl analyze` calls it IST0130. A match may name a port, which is one of the host’s; of a host that is neither a Service’s nor a ServiceEntry’s rules are for port 80 alone.',
  reasons: {
    PortUncalled: 'A rule is for ports alone that its host does not have: no request reaches it.',
    RuleUnreached: 'A rule stands behind one that takes every request (IST0130): no request reaches it.',
    RuleRepeated: 'Every match of a rule is one of a rule before (IST0130): no request reaches it.',
  },
  needs: { rules },
  judge({ rules: { virtualServices, unreached, uncalled, missing } }) {
    const [deaf] = uncalled;
    if (deaf) {
      if (isSome(missing)) return unknown(missing, `the ports of ${some(deaf.rule.hosts)} were not all seen`);
      return {
        status: 'fail',
        reason: 'PortUncalled',
        message: some(
          uncalled.map(
            ({ rule, wanted, has }) =>
              `VirtualService ${titleOf(rule)} is for port ${some(wanted.map(String))} alone, and ${some(rule.hosts)} has ${has.length > 0 ? some(has.map(String)) : 'none'}`,
          ),
        ),
        hint: `${editRule(deaf.rule)}   # or add the port to the Service or ServiceEntry of the host`,
      };
    }
    const behind = [
      ...unreached.map(({ rule, http }) => ({ rule, words: placeOf(rule, http) })),
      ...virtualServices.flatMap((rule) => streamsBehind(rule).map((words) => ({ rule, words }))),
    ];
    const [first] = behind;
    if (first)
      return {
        status: 'warn',
        reason: 'RuleUnreached',
        message: `${some(behind.map(({ words }) => words))}: never reached, a rule before takes every request`,
        hint: `${editRule(first.rule)}   # move the rule without a match to the end`,
      };
    const repeated = virtualServices.flatMap((rule) => repeatedIn(rule.http).map((http) => ({ rule, http })));
    const [again] = repeated;
    if (again)
      return {
        status: 'warn',
        reason: 'RuleRepeated',
        message: `${some(repeated.map(({ rule, http }) => placeOf(rule, http)))}: never reached, rules before have its matches`,
        hint: editRule(again.rule),
      };
    if (virtualServices.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_RULES);
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    const kinds = [
      { kind: 'HTTP', rules: virtualServices.flatMap(({ http }) => http).length },
      { kind: 'TCP', rules: virtualServices.flatMap(forTcp).length },
    ].filter(({ rules }) => rules > 0);
    if (kinds.length === 0) return skip('no rule is for HTTP or TCP');
    return {
      status: 'pass',
      message: `${some(kinds.map(({ kind, rules }) => `${count(rules, 'rule')} for ${kind}`))}, each within reach`,
    };
  },
});

const WHY: Readonly<Record<DelegateFault['why'], { reason: string; words: string }>> = {
  missing: { reason: 'DelegateMissing', words: 'does not exist' },
  'has hosts': { reason: 'DelegateMissing', words: 'has hosts of its own, and so is no delegate' },
  'not exported': { reason: 'DelegateMissing', words: 'is not exported to its namespace' },
  match: { reason: 'DelegateConflict', words: 'has a match that is outside of its own: that rule is left out' },
  delegates: { reason: 'DelegateConflict', words: 'delegates in turn, which has no effect' },
};

export const delegatesApply = defineCheck({
  id: 'delegates-apply',
  title: 'delegates are there, and within their root’s matches',
  explains:
    'A VirtualService may leave a part of its rules to another without hosts, one level deep. Istio leaves such a part out, without a word, where the delegate does not exist, has hosts of its own, is not exported to the root’s namespace, or where its match is no part of the root’s.',
  reasons: {
    DelegateMissing: 'A rule is left to a VirtualService that is not there, has hosts, or is not exported to it.',
    DelegateConflict: 'A delegate’s rule is outside of its root’s match, or delegates in turn: it has no effect.',
  },
  needs: { rules },
  judge({ rules: { virtualServices, missing } }) {
    const faults = virtualServices.flatMap(({ faults }) => faults);
    const [first] = faults;
    if (first) {
      if (isSome(missing)) return unknown(missing, `VirtualService ${first.delegate} was not seen whole`);
      return {
        status: 'fail',
        reason: WHY[first.why].reason,
        message: some([
          ...new Set(
            faults.map(
              ({ root, delegate, why }) =>
                `VirtualService ${titleOf(root)} delegates to ${delegate}, which ${WHY[why].words}`,
            ),
          ),
        ]),
        hint: editRule(first.root),
      };
    }
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    const delegates = new Set(virtualServices.flatMap((rule) => rule.delegates));
    if (delegates.size === 0) return skip('no rule is delegated');
    return { status: 'pass', message: `${count(delegates.size, 'delegate')}: ${some([...delegates])}` };
  },
});
