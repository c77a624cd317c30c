import { defineCheck, type Verdict } from '../../../diagnosis/check.ts';
import { count, isSome, skip, sorted, unknown } from '../../../diagnosis/verdict.ts';
import type { Listing } from '../../../evidence/kubernetes/lists.ts';
import { mixerHandlers, mixerInstances, mixerRules } from '../../../evidence/mixer/config.ts';
import { type MixerPages, mixerPages } from '../../../evidence/mixer/pages.ts';
import { readLog } from './shipped.ts';

/**
 * Compares how many objects Mixer counts with how many kubectl lists (mixer.md 0, finding 10): an object that Mixer
 * cannot decode is dropped without an error. More than listed is normal: Mixer also counts kinds that are not listed
 * here.
 */
function judgeLoaded(
  listing: Listing<object>,
  pages: readonly MixerPages[],
  of: 'rules' | 'handlers' | 'instances',
  hint: string,
): Verdict {
  const { got, missing } = sorted(
    pages.map(({ pod, reading }) => ('got' in reading ? { got: { pod, reading: reading.got } } : reading)),
  );
  const listed = listing.items.filter((item) => !('read' in item) || item.read === true).length;
  const counts = got.flatMap(({ pod, reading }) => {
    const counted = reading.counts[of];
    return counted === null
      ? []
      : [{ pod, counted, rejects: reading.countsOnlyAccepted && (reading.errors.rule.count ?? 0) > 0 }];
  });
  const evidence = counts.map(({ pod, counted }) => `${pod}: Mixer counts ${counted}, kubectl lists ${listed}`);
  const fewer = counts.filter(({ counted, rejects }) => counted < listed && !(of === 'rules' && rejects));
  const [first] = fewer;
  if (first) {
    const noun = of.slice(0, -1);
    return {
      status: 'warn',
      reason: 'NotLoaded',
      message: `Mixer has ${first.counted} of ${count(listed, noun)} that kubectl lists`,
      evidence,
      hint,
    };
  }
  if (isSome(missing)) return unknown(missing, 'Mixer’s own page could not be read');
  if (got.length === 0) return skip('no Mixer pod runs that could have loaded them');
  if (counts.length === 0) return skip('this Mixer does not count its configuration');
  if (of === 'rules' && counts.every(({ rejects }) => rejects)) {
    return skip('Mixer 1.2 and later counts only the rules it accepted, and it rejected some');
  }
  // A count of other kinds alone proves nothing of those that are listed.
  if (listed === 0) return skip(`kubectl lists no ${of} that Mixer could lack`);
  const more = counts.some(({ counted }) => counted > listed);
  return {
    status: 'pass',
    message: more
      ? `Mixer counts ${counts.map(({ counted }) => counted).join(', ')} ${of}, other kinds among them: no fewer than the ${listed} that kubectl lists`
      : `Mixer counts ${counts.map(({ counted }) => counted).join(', ')} ${of}, kubectl lists ${listed}`,
    evidence,
  };
}

/** What NotLoaded means, for `explain`. */
const NOT_LOADED =
  'kubectl lists more objects than Mixer has: some could not be decoded, or have not reached it (Galley from 1.1 on, Mixer’s own rights).';

export const rulesLoaded = defineCheck({
  id: 'rules-loaded',
  title: 'Mixer has as many rules as kubectl lists',
  explains: 'Compares Mixer’s own count of rules in its newest configuration with kubectl’s list.',
  reasons: { NotLoaded: NOT_LOADED },
  needs: { rules: mixerRules, pages: mixerPages },
  judge: ({ rules, pages }, { plane }) => judgeLoaded(rules, pages, 'rules', readLog(plane)),
});

export const handlersLoaded = defineCheck({
  id: 'handlers-loaded',
  title: 'Mixer has as many handlers as kubectl lists',
  explains:
    'Compares Mixer’s own count of handlers in its newest configuration with kubectl’s list of the kinds it reads.',
  reasons: { NotLoaded: NOT_LOADED },
  needs: { handlers: mixerHandlers, pages: mixerPages },
  judge: ({ handlers, pages }, { plane }) => judgeLoaded(handlers, pages, 'handlers', readLog(plane)),
});

export const instancesLoaded = defineCheck({
  id: 'instances-loaded',
  title: 'Mixer has as many instances as kubectl lists',
  explains:
    'Compares Mixer’s own count of instances in its newest configuration with kubectl’s list of the kinds it reads.',
  reasons: { NotLoaded: NOT_LOADED },
  needs: { instances: mixerInstances, pages: mixerPages },
  judge: ({ instances, pages }, { plane }) => judgeLoaded(instances, pages, 'instances', readLog(plane)),
});
