import type { Verdict } from '../../../diagnosis/check.ts';
import { count, isSome, skip, sorted, unknown } from '../../../diagnosis/verdict.ts';
import type { Listing } from '../../../evidence/kubernetes.ts';
import type { MixerPages } from '../../../evidence/mixer/pages.ts';

/**
 * Compares how many objects Mixer counts with how many kubectl lists (mixer.md 0, finding 10): an object that Mixer
 * cannot decode is dropped without an error. More than listed is normal: Mixer also counts kinds that are not listed
 * here.
 */
export function judgeLoaded(
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
  return {
    status: 'pass',
    message: `Mixer counts ${counts.map(({ counted }) => counted).join(', ')} ${of}, kubectl lists ${listed}`,
    evidence,
  };
}

/** What NotLoaded means, for `explain`. */
export const NOT_LOADED =
  'kubectl lists more objects than Mixer has: some could not be decoded, or have not reached it (Galley from 1.1 on, Mixer’s own rights).';
