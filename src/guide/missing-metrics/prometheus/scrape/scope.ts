import type { Verdict } from '../../../../diagnosis/check.ts';
import { count, isSome, skip, unknown } from '../../../../diagnosis/verdict.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import type { Scraping } from '../../../../evidence/prometheus/scraping.ts';
import { notAllAsked } from '../found.ts';
import { PARTIAL_ANSWER, partlyAnswered } from '../partial.ts';

/** What the unscraped may mean where not everything was asked, for `explain`. */
export const UNPROVEN = {
  NotAllAsked:
    'There are more Prometheus servers than are asked, and proxies that none of the asked scrapes: name the right one.',
  PartialAnswer: PARTIAL_ANSWER,
};

/** Why nothing can be said of any proxy; null where something can. */
export function nothingAbout({ servers, pods, young }: Scraping): Verdict | null {
  if (servers.length === 0) return skip('no Prometheus to ask');
  if (pods.length === 0)
    return skip(young > 0 ? `${count(young, 'proxy', 'proxies')} too young to be judged` : 'no proxy to be scraped');
  return null;
}

/** Why a proxy without a target may be one of a server that did not tell; null where all told. */
export function unproven({ pods, targeted, missing, partial, leftOut }: Scraping): Verdict | null {
  const without = pods.length - targeted.size;
  if (without === 0) return null;
  if (isSome(missing)) return unknown(missing, 'Prometheus’ targets could not be read');
  const message = `${without} of ${count(pods.length, 'proxy', 'proxies')}: no target in those that were asked`;
  if (partial.length > 0) return partlyAnswered(partial, message);
  return leftOut > 0 ? notAllAsked(leftOut, message) : null;
}

/** `12 of 40 proxies`. */
export const partOf = (own: readonly Pod[], { pods }: Scraping): string =>
  `${own.length} of ${count(pods.length, 'proxy', 'proxies')}`;

/** Whom a finding is about: all as `subjects`, ten lines of evidence, after what was seen. */
export function about(
  pods: readonly Pod[],
  ...seen: readonly string[]
): Required<Pick<Verdict, 'subjects' | 'evidence'>> {
  const subjects = subjectsOf(pods);
  return { subjects, evidence: [...seen, ...linesOf(subjects)] };
}
