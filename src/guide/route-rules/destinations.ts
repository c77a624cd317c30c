import { defineCheck } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import type { Shares } from '../../istio/http-rules.ts';
import { isAtLeast } from '../../istio/release.ts';
import type { MergedVirtualService } from '../../istio/virtual-services.ts';
import { editRule, NO_RULES, placeOf } from './steps.ts';

const sum = (shares: Shares): number => shares.reduce<number>((all, each) => all + (each ?? 0), 0);

const words = (shares: Shares): string => shares.map((each) => each ?? 'none').join(' and ');

interface Shared {
  rule: MergedVirtualService;
  shares: Shares;
}

const titles = (all: readonly Shared[]): string =>
  some([...new Set(all.map(({ rule, shares }) => `VirtualService ${titleOf(rule)} (${words(shares)})`))]);

export const rulesLeadSomewhere = defineCheck({
  id: 'rules-lead-somewhere',
  title: 'rules lead somewhere, and weights add up',
  explains:
    'A rule for HTTP has a destination, or answers by a redirect or directly. Of several destinations each gets its weight’s share, and one without a weight nothing. A proxy refuses a rule that leads nowhere, or whose weights are all 0, and with it every rule of its port; up to 1.14 also one whose weights are not 100 in all. Istio’s webhook turns such a rule away where it is called. The only destination of a route gets everything, whatever its weight.',
  reasons: {
    RuleNowhere:
      'A rule for HTTP has no destination, and answers nothing itself: proxies refuse it, and all others of its port with it.',
    SharesZero: 'No destination of a route has a weight: proxies refuse the rule, and all others of its port with it.',
    SharesUneven: 'The weights of a route are not 100 in all, which proxies of 1.14 and older refuse.',
    ShareIgnored: 'The only destination of a route has a weight that is not 100: it gets every request nevertheless.',
  },
  needs: { rules },
  judge({ rules: { virtualServices, missing } }, { plane }) {
    const nowhere = virtualServices.flatMap((rule) =>
      rule.http
        .filter(({ shares, answers, delegate }) => shares.length === 0 && !answers && delegate === null)
        .map((http) => ({ rule, http })),
    );
    const [empty] = nowhere;
    if (empty)
      return {
        status: 'fail',
        reason: 'RuleNowhere',
        message: `without a destination: ${some(nowhere.map(({ rule, http }) => placeOf(rule, http)))}`,
        hint: editRule(empty.rule),
      };
    const all = virtualServices.flatMap((rule) =>
      [...rule.http.map(({ shares }) => shares), ...rule.other.map(({ shares }) => shares)].map(
        (shares): Shared => ({ rule, shares }),
      ),
    );
    const several = all.filter(({ shares }) => shares.length > 1);
    const zero = several.filter(({ shares }) => sum(shares) === 0);
    const [first] = zero;
    if (first)
      return {
        status: 'fail',
        reason: 'SharesZero',
        message: `no destination gets a share: ${titles(zero)}`,
        hint: `${editRule(first.rule)}   # give one a weight`,
      };
    const isOld = plane.version !== null && !isAtLeast(plane.version, '1.15');
    const odd = several.filter(({ shares }) => sum(shares) !== 100);
    const [other] = odd;
    if (isOld && other)
      return {
        status: 'fail',
        reason: 'SharesUneven',
        message: `weights are not 100 in all: ${titles(odd)}`,
        hint: editRule(other.rule),
      };
    const ignored = all.filter(
      ({ shares: [only = null, ...others] }) => others.length === 0 && only !== null && only !== 100,
    );
    const [alone] = ignored;
    if (alone)
      return {
        status: 'warn',
        reason: 'ShareIgnored',
        message: `the only destination gets every request: ${titles(ignored)}`,
        hint: editRule(alone.rule),
      };
    if (virtualServices.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_RULES);
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    if (several.length === 0) return skip('no rule shares requests out');
    return { status: 'pass', message: `${count(several.length, 'route')} with shares` };
  },
});
