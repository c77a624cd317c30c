import { closest } from 'fastest-levenshtein';
import type { Topic } from '../../diagnosis/check.ts';
import type { Section } from '../../diagnosis/finding.ts';
import { BETWEEN, type Ignore, ignoreOf } from '../../diagnosis/ignore.ts';
import { UsageError } from '../../errors.ts';
import type { Arguments } from '../arguments.ts';

/** The reasons of a topic's findings. */
export const reasonsOf = ({ walks }: Topic): readonly string[] => [
  ...new Set(
    Object.values(walks).flatMap(({ steps }) =>
      steps.flatMap(({ checks }) => checks.flatMap(({ reasons }) => Object.keys(reasons))),
    ),
  ),
];

/** What --ignore names. Throws UsageError for what no topic of the run can find. */
export function ignoresOf(args: Arguments, topics: readonly Topic[]): readonly Ignore[] {
  const reasons = topics.flatMap(reasonsOf);
  return (Array.isArray(args.ignore) ? args.ignore.map(String) : []).map((written) => {
    const ignore = ignoreOf(written);
    if (!ignore)
      throw new UsageError(
        `--ignore takes REASON or REASON=NAMESPACE/NAME, both with * and ?, not ${JSON.stringify(written)}`,
      );
    if (!reasons.some(ignore.fitsReason)) {
      const [reason = ''] = written.split('=');
      throw new UsageError(
        `--ignore: nothing is found for the reason ${reason}; did you mean ${closest(reason, reasons)}?`,
      );
    }
    return ignore;
  });
}

/** What was to be ignored and was not, in words: whoever wrote it should take it back, or learn why it does not hold. */
export function unusedIn(ignores: readonly Ignore[], topic: Topic, sections: readonly Section[]): readonly string[] {
  const findings = sections.flatMap(({ steps }) => steps.flatMap((step) => step.findings));
  const reasons = reasonsOf(topic);
  return ignores
    .filter(({ fitsReason }) => reasons.some(fitsReason))
    .filter(({ written }) => !findings.some(({ ignoredBy }) => ignoredBy?.split(BETWEEN).includes(written)))
    .map(({ written, fitsReason }) => {
      const other = findings.find(
        ({ reason, status }) => reason !== null && status !== 'ignored' && fitsReason(reason),
      );
      const why = !other
        ? 'nothing of that kind is found'
        : other.status === 'unknown'
          ? `${other.reason} is unknown, which is not ignored (--fail-on fail)`
          : `${other.reason} is about others too, or its list is cut`;
      return `--ignore ${written} ignores nothing: ${why}`;
    });
}
